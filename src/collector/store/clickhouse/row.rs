//! A row of `events`, as it is written and read.

use std::borrow::Cow;
use std::fmt;

use clickhouse::Row;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::collector::field::address_text;
use crate::collector::{
    EventId, EventTime, Field, FieldValues, Flags, Intake, NewEvent, SealedText, StoredEvent,
};

/// Bytes in a `String` column: those of ClickHouse are not bound to be text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Raw(bytes))
    }
}

macro_rules! event_row {
    (
        texts { $($text:ident = $text_field:ident,)* }
        numbers { $($number:ident = $number_field:ident,)* }
        addresses { $($address:ident = $address_field:ident,)* }
    ) => {
        /// One row: the columns that every event has, then one for each [`Field`], `NULL` where it is absent.
        #[derive(Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
        pub(super) struct EventRow<'a> {
            #[serde(borrow)]
            pub(super) tenant: Cow<'a, str>,
            pub(super) at: i64,
            pub(super) id: [u8; 16],
            pub(super) batch: u64,
            pub(super) intake: u8,
            pub(super) flags: u32,
            pub(super) bytes: u32,
            pub(super) expire_at: u32,
            #[serde(borrow)]
            datetime: &'a str,
            #[serde(borrow)]
            rest: &'a str,
            #[serde(borrow)]
            metadata: &'a str,
            #[serde(borrow)]
            blob: Option<Raw<'a>>,
            #[serde(borrow)]
            blob_text: Option<&'a str>,
            #[serde(borrow)]
            sealed_request: Option<Raw<'a>>,
            $(#[serde(borrow)] $text: Option<&'a str>,)*
            $($number: Option<u32>,)*
            $($address: Option<[u8; 16]>,)*
        }

        impl<'a> EventRow<'a> {
            /// The row of an event.
            pub(super) fn of(tenant: &'a str, event: &'a NewEvent, batch: u64, expire_at: u32) -> Self {
                let (blob, blob_text) = match &event.blob {
                    Some(SealedText::Blob(bytes)) => (Some(Raw(bytes.as_slice())), None),
                    Some(SealedText::Other(text)) => (None, Some(text.as_str())),
                    None => (None, None),
                };
                Self {
                    tenant: Cow::Borrowed(tenant),
                    at: event.at.0,
                    id: event.id.0,
                    batch,
                    intake: event.intake.number(),
                    flags: event.flags.0,
                    bytes: u32::try_from(event.bytes()).unwrap_or(u32::MAX),
                    expire_at,
                    datetime: &event.datetime,
                    rest: &event.rest,
                    metadata: &event.metadata,
                    blob,
                    blob_text,
                    sealed_request: event.sealed_request.as_deref().map(Raw),
                    $($text: event.get(Field::$text_field),)*
                    $($number: event.fields.integer(Field::$number_field),)*
                    $($address: event.fields.address(Field::$address_field),)*
                }
            }

            fn fields(&self) -> FieldValues {
                let mut fields = FieldValues::default();
                $(if let Some(value) = self.$text { fields.set(Field::$text_field, value); })*
                $(if let Some(value) = self.$number { fields.set(Field::$number_field, &value.to_string()); })*
                $(if let Some(value) = self.$address { fields.set(Field::$address_field, &address_text(value)); })*
                fields
            }
        }

        #[cfg(test)]
        const FIELDS: &[(&str, Field)] = &[
            $((stringify!($text), Field::$text_field),)*
            $((stringify!($number), Field::$number_field),)*
            $((stringify!($address), Field::$address_field),)*
        ];
    };
}

event_row! {
    texts {
        action = Action,
        rule_id = RuleId,
        source = Source,
        kind = Kind,
        ray_id = RayId,
        r#ref = Ref,
        description = Description,
        client_ip_class = ClientIpClass,
        client_country = ClientCountry,
        client_asn_description = ClientAsnDescription,
        method = Method,
        scheme = Scheme,
        protocol = Protocol,
        host = Host,
        path = Path,
        query = Query,
        user_agent = UserAgent,
        referer_scheme = RefererScheme,
        referer_host = RefererHost,
        referer_path = RefererPath,
        referer_query = RefererQuery,
        edge_colo_code = EdgeColoCode,
        originator_ray_id = OriginatorRayId,
        key_id = KeyId,
    }
    numbers {
        match_index = MatchIndex,
        client_asn = ClientAsn,
        edge_response_status = EdgeResponseStatus,
        origin_response_status = OriginResponseStatus,
    }
    addresses {
        client_ip = ClientIp,
    }
}

impl EventRow<'_> {
    /// The event of a row; `None` for an intake that this build does not know.
    pub(super) fn event(&self) -> Option<StoredEvent> {
        let intake = Intake::from_number(self.intake)?;
        let mut event = NewEvent::new(EventTime(self.at), EventId(self.id), intake);
        event.fields = self.fields();
        self.datetime.clone_into(&mut event.datetime);
        self.rest.clone_into(&mut event.rest);
        self.metadata.clone_into(&mut event.metadata);
        event.blob = match (self.blob, self.blob_text) {
            (Some(Raw(bytes)), _) => Some(SealedText::Blob(bytes.to_vec())),
            (None, Some(text)) => Some(SealedText::Other(text.to_owned())),
            (None, None) => None,
        };
        event.sealed_request = self.sealed_request.map(|Raw(bytes)| bytes.to_vec());
        event.flags = Flags(self.flags);
        Some(StoredEvent::new(event, self.batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_column() {
        for field in Field::ALL {
            let found = FIELDS.iter().find(|(_, known)| *known == field);
            let (name, _) = found.unwrap_or_else(|| panic!("{field:?} has no column"));
            assert_eq!(name.trim_start_matches("r#"), field.column());
        }
        assert_eq!(FIELDS.len(), Field::ALL.len());
    }
}
