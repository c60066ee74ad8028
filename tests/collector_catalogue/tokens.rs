//! Who is let in, and since when not.

use wafpass::collector::catalogue::{AuthFault, CatalogueError, Scope, Scopes, TokenRequest};
use wafpass::collector::limits::MAX_TOKENS_PER_TENANT;

use crate::{DAY_MS, HOUR_MS, MIDNIGHT_MS, Place, acme, globex, request, token};

#[test]
fn a_token_says_whose_it_is_and_what_it_may() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Ingest, Scope::Read]);
    let other = token(&catalogue, &globex(), &[Scope::Admin]);
    assert_eq!((one.text.len(), &one.text[..4]), (64, "wpc_"));

    let principal = catalogue.authenticate(&one.text).unwrap();
    assert_eq!((principal.tenant, &principal.token_id), (acme(), &one.id));
    assert_eq!(principal.scopes, Scopes::of(&[Scope::Read, Scope::Ingest]));
    let principal = catalogue.authenticate(&other.text).unwrap();
    assert_eq!((principal.tenant, principal.scopes), (globex(), Scopes::of(&[Scope::Admin])));
}

#[test]
fn any_other_text_is_nobody() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Ingest]);
    let other = token(&catalogue, &globex(), &[Scope::Ingest]);
    // The one's id with the other's secret.
    let mixed = format!("{}{}", &one.text[..21], &other.text[21..]);
    assert_eq!(catalogue.authenticate(&mixed), Err(AuthFault::Unknown));
    let unknown = format!("wpc_0123456789abcdef_{}", &one.text[21..]);
    assert_eq!(catalogue.authenticate(&unknown), Err(AuthFault::Unknown));
    for at in 21..64 {
        let mut bytes = one.text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).unwrap();
        assert_eq!(catalogue.authenticate(&altered), Err(AuthFault::Unknown), "{at}");
    }
    let with_space = format!("{} ", one.text.as_str());
    for text in [
        "",
        "wpc_",
        "wpc__",
        &one.text[..63],
        &with_space,
        "Bearer",
        &one.text[4..],
        &one.text.to_uppercase(),
    ] {
        assert_eq!(catalogue.authenticate(text), Err(AuthFault::Malformed), "{text:?}");
    }
}

#[test]
fn expiry_counts_from_its_first_millisecond() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let expires_ms = Some(MIDNIGHT_MS + HOUR_MS);
    let one = catalogue
        .add_token(&acme(), &TokenRequest { expires_ms, ..request(&[Scope::Read]) })
        .unwrap();
    place.clock.forward(HOUR_MS - 1);
    assert!(catalogue.authenticate(&one.text).is_ok());
    place.clock.forward(1);
    assert_eq!(catalogue.authenticate(&one.text), Err(AuthFault::Expired));
    let over = TokenRequest { expires_ms, ..request(&[Scope::Read]) };
    assert!(matches!(catalogue.add_token(&acme(), &over), Err(CatalogueError::UnusableToken)));
}

#[test]
fn what_is_revoked_here_counts_at_once() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Read]);
    assert!(catalogue.authenticate(&one.text).is_ok());
    catalogue.revoke_token(&one.id).unwrap();
    assert_eq!(catalogue.authenticate(&one.text), Err(AuthFault::Revoked));
    assert!(matches!(catalogue.revoke_token("0123456789abcdef"), Err(CatalogueError::NoSuchToken)));
}

/// The command line beside a running service.
#[test]
fn what_another_process_changes_counts_within_a_second() {
    let place = Place::new();
    let service = place.with_tenants();
    let one = token(&service, &acme(), &[Scope::Read]);
    let command_line = place.open();
    assert!(command_line.authenticate(&one.text).is_ok());

    let late = token(&command_line, &globex(), &[Scope::Read]);
    command_line.revoke_token(&one.id).unwrap();
    place.clock.forward(1_000);
    assert_eq!(service.authenticate(&one.text), Err(AuthFault::Revoked));
    assert_eq!(service.authenticate(&late.text).unwrap().tenant, globex());

    // A clock that was set back does not keep a revoked token alive.
    command_line.revoke_token(&late.id).unwrap();
    place.clock.back(DAY_MS);
    assert_eq!(service.authenticate(&late.text), Err(AuthFault::Revoked));
}

#[test]
fn the_last_use_is_kept_to_the_hour() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Read]);
    let last_used = || place.open().token_records(Some(&acme())).unwrap()[0].last_used_ms;
    place.clock.forward(HOUR_MS + 5);
    catalogue.authenticate(&one.text).unwrap();
    assert_eq!(last_used(), None);
    catalogue.maintain().unwrap();
    assert_eq!(last_used(), Some(MIDNIGHT_MS + HOUR_MS));

    place.clock.forward(HOUR_MS - 10);
    catalogue.authenticate(&one.text).unwrap();
    catalogue.maintain().unwrap();
    assert_eq!(last_used(), Some(MIDNIGHT_MS + HOUR_MS));
    place.clock.forward(5);
    catalogue.authenticate(&one.text).unwrap();
    catalogue.maintain().unwrap();
    assert_eq!(last_used(), Some(MIDNIGHT_MS + 2 * HOUR_MS));
}

#[test]
fn a_tenant_has_so_many_tokens_in_force() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let tokens: Vec<_> =
        (0..MAX_TOKENS_PER_TENANT).map(|_| token(&catalogue, &acme(), &[Scope::Read])).collect();
    let refused = catalogue.add_token(&acme(), &request(&[Scope::Read]));
    assert!(matches!(refused, Err(CatalogueError::TooManyTokens)));
    token(&catalogue, &globex(), &[Scope::Read]);
    catalogue.revoke_token(&tokens[3].id).unwrap();
    token(&catalogue, &acme(), &[Scope::Read]);
}

#[test]
fn tokens_that_nobody_could_use_or_read_are_not_made() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let good = request(&[Scope::Read]);
    let unusable = [
        TokenRequest { scopes: Scopes::default(), ..good.clone() },
        TokenRequest { name: String::new(), ..good.clone() },
        TokenRequest { name: " ".to_owned(), ..good.clone() },
        TokenRequest { name: "a\u{1b}[2J".to_owned(), ..good.clone() },
        TokenRequest { name: "é".repeat(65), ..good.clone() },
    ];
    for request in unusable {
        assert!(
            matches!(catalogue.add_token(&acme(), &request), Err(CatalogueError::UnusableToken)),
            "{request:?}"
        );
    }
    catalogue.add_token(&acme(), &TokenRequest { name: "é".repeat(64), ..good }).unwrap();
    let nobody = wafpass::collector::TenantId::new("initech").unwrap();
    let refused = catalogue.add_token(&nobody, &request(&[Scope::Read]));
    assert!(matches!(refused, Err(CatalogueError::NoSuchTenant)));
}

#[test]
fn no_file_holds_a_secret() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Read]);
    for entry in std::fs::read_dir(place.data()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(memchr(&bytes, one.id.as_bytes()) || bytes.is_empty() || !memchr(&bytes, b"edge"));
        assert!(!memchr(&bytes, &one.text.as_bytes()[21..]));
    }
}

fn memchr(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Who asks is known from memory: a writer that holds the file for long holds nobody up.
#[test]
fn nobody_waits_for_a_commit_to_be_let_in() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Read]);
    let held = rusqlite::Connection::open(place.data().join("catalogue.sqlite3")).unwrap();
    held.execute_batch("BEGIN IMMEDIATE; UPDATE book SET made_ms = 1").unwrap();
    for _ in 0..3 {
        place.clock.forward(1_500);
        assert!(catalogue.authenticate(&one.text).is_ok());
        assert_eq!(catalogue.settings(&acme()).retention_days, 30);
        assert_eq!(catalogue.batches(&acme(), None, 10).unwrap(), []);
    }
    held.execute_batch("ROLLBACK").unwrap();
}
