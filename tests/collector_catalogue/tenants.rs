//! Tenants, and what they set.

use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{
    AuthFault, CatalogueError, ClearText, IngestPolicy, Ledger, Scope, TenantSettings,
};
use wafpass::collector::limits::MAX_TENANTS;
use wafpass::collector::store::BatchId;

use crate::batches::{content, given};
use crate::{Place, acme, globex, token};

#[test]
fn settings_are_each_tenants_own() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let settings = TenantSettings {
        retention_days: 7,
        max_events_per_s: Some(100),
        quota_bytes: Some(1 << 30),
        policy: IngestPolicy {
            path: ClearText::Seal,
            clear_headers: vec!["host".to_owned()],
            ..Default::default()
        },
    };
    catalogue.set_settings(&acme(), &settings).unwrap();
    assert_eq!(*catalogue.settings(&acme()), settings);
    assert_eq!(*catalogue.settings(&globex()), TenantSettings::default());
    assert_eq!(*place.open().settings(&acme()), settings);
    assert_eq!(catalogue.tenants(), [acme(), globex()]);
}

/// What another process has set a moment ago counts, though this one has not seen it.
#[test]
fn a_tenant_changes_no_limit_that_was_just_set() {
    let place = Place::new();
    let (service, command_line) = (place.with_tenants(), place.open());
    let seen = TenantSettings::clone(&service.settings(&acme()));
    let limited = TenantSettings { quota_bytes: Some(1 << 30), ..seen.clone() };
    command_line.set_settings(&acme(), &limited).unwrap();
    assert_eq!(*service.settings(&acme()), seen);
    let refused = service.set_own_settings(&acme(), &seen).unwrap_err();
    assert!(matches!(refused, CatalogueError::OperatorsSetting { member: "quota_bytes" }));
    let own = TenantSettings { retention_days: 3, ..limited };
    service.set_own_settings(&acme(), &own).unwrap();
    assert_eq!(*service.settings(&acme()), own);
    let initech = TenantId::new("initech").unwrap();
    let refused = service.set_own_settings(&initech, &own).unwrap_err();
    assert!(matches!(refused, CatalogueError::NoSuchTenant));
}

#[test]
fn settings_stay_within_bounds() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let with_header = |name: &str| TenantSettings {
        policy: IngestPolicy { clear_headers: vec![name.to_owned()], ..Default::default() },
        ..Default::default()
    };
    let beyond = [
        (TenantSettings { retention_days: 0, ..Default::default() }, "retention_days"),
        (TenantSettings { retention_days: 3_661, ..Default::default() }, "retention_days"),
        (TenantSettings { max_events_per_s: Some(0), ..Default::default() }, "max_events_per_s"),
        (TenantSettings { quota_bytes: Some(0), ..Default::default() }, "quota_bytes"),
        (TenantSettings { quota_bytes: Some(u64::MAX), ..Default::default() }, "quota_bytes"),
        (with_header("Host"), "policy.clear_headers"),
        (with_header(""), "policy.clear_headers"),
        (with_header("a b"), "policy.clear_headers"),
    ];
    for (settings, expected) in beyond {
        let refused = catalogue.set_settings(&acme(), &settings).unwrap_err();
        assert!(
            matches!(refused, CatalogueError::Settings { member, .. } if member == expected),
            "{settings:?}"
        );
    }
    assert_eq!(*catalogue.settings(&acme()), TenantSettings::default());
}

#[test]
fn a_node_has_so_many_tenants() {
    let place = Place::new();
    let catalogue = place.open();
    let tenant = |number| TenantId::new(&format!("t{number}")).unwrap();
    for number in 0..MAX_TENANTS {
        catalogue.add_tenant(&tenant(number), &TenantSettings::default()).unwrap();
    }
    let one_more = catalogue.add_tenant(&tenant(MAX_TENANTS), &TenantSettings::default());
    assert!(matches!(one_more, Err(CatalogueError::TooManyTenants)));
    let again = catalogue.add_tenant(&tenant(0), &TenantSettings::default());
    assert!(matches!(again, Err(CatalogueError::TenantTaken)));
    assert_eq!(catalogue.tenant_records().unwrap().len(), MAX_TENANTS);
}

#[test]
fn a_tenant_that_goes_is_locked_out_first_and_its_id_stays_taken() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let (gone, stays) =
        (token(&catalogue, &acme(), &[Scope::Read]), token(&catalogue, &globex(), &[Scope::Read]));
    catalogue
        .record(&[(BatchId(1), given(&acme(), "a")), (BatchId(2), content(&globex(), 2))])
        .unwrap();
    assert!(catalogue.forget_tenant(&acme()).is_err());
    catalogue.close_tenant(&acme()).unwrap();
    assert_eq!(catalogue.authenticate(&gone.text), Err(AuthFault::Unknown));
    assert_eq!((catalogue.tenants(), catalogue.closing_tenants()), (vec![globex()], vec![acme()]));
    assert!(matches!(catalogue.close_tenant(&acme()), Err(CatalogueError::NoSuchTenant)));

    catalogue.forget_tenant(&acme()).unwrap();
    assert_eq!(catalogue.closing_tenants(), []);
    assert_eq!(catalogue.batches(&acme(), None, 10).unwrap(), []);
    assert_eq!(catalogue.quarantine(&acme(), None, 10).unwrap(), []);
    assert_eq!(catalogue.token_records(Some(&acme())).unwrap(), []);
    let again = catalogue.add_tenant(&acme(), &TenantSettings::default());
    assert!(matches!(again, Err(CatalogueError::TenantTaken)));
    // Its batches were committed, and a store may still ask.
    assert_eq!(catalogue.recorded(&[BatchId(1), BatchId(3)]).unwrap(), [BatchId(1)]);
    assert!(catalogue.authenticate(&stays.text).is_ok());
    assert_eq!(catalogue.batches(&globex(), None, 10).unwrap().len(), 1);
}
