//! What a configuration makes: keys, replay store, verifier, and what a layer asks.

use std::sync::Arc;

use super::Config;
use super::fault::{ConfigFault, Faults, two_lines};
use super::keys::{LoadedKey, keyring};
use super::settings::{ExplainSettings, Settings};
use crate::clock;
use crate::error::ConfigError;
use crate::keyring::Keyring;
use crate::layer::{Perimeter, VerifyLayer};
use crate::replay::ReplayStore;
use crate::verify::{Verifier, VerifierBuilder};

impl Config {
    /// Reads the keys from where they are.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] when a source cannot be read, is open to others, or holds what is no key.
    pub fn keys(&self) -> Result<Vec<LoadedKey>, ConfigFault> {
        self.gather(|faults| self.load_keys(faults).map(|(keys, _)| keys))
    }

    /// Reads the keys, as an origin takes them.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys).
    pub fn keyring(&self) -> Result<Keyring, ConfigFault> {
        self.gather(|faults| self.load_keys(faults).map(|(_, keyring)| keyring))
    }

    /// Reads the keys and begins a verifier, with all but the replay store.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys).
    pub fn verifier_builder(&self) -> Result<VerifierBuilder, ConfigFault> {
        let keyring = self.keyring()?;
        Ok(self.policy_of(Verifier::builder(self.audience(), keyring, self.freshness())))
    }

    /// Gives another verifier what this one asks of a request, but for audience, keys, freshness and
    /// replay store.
    pub fn policy_of(&self, builder: VerifierBuilder) -> VerifierBuilder {
        let signature = &self.settings.signature;
        let builder = builder
            .waf(self.settings.waf)
            .strip_prefix(&signature.strip_prefix)
            .query(signature.query)
            .bind_host(signature.host)
            .body_coverage(signature.body)
            .body_cap(self.settings.body_cap)
            .restart_barrier(self.settings.store.barrier);
        signature
            .required_headers
            .iter()
            .fold(builder, |builder, name| builder.require_header(name))
    }

    /// A new replay store, which begins now. One on Redis needs a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] when what says where Redis is cannot be read.
    pub fn replay_store(&self) -> Result<Arc<dyn ReplayStore>, ConfigFault> {
        let Settings { store, keys, freshness, .. } = &self.settings;
        self.gather(|faults| store.build(*freshness, keys.permissions, clock::now(), faults))
    }

    /// Whether this file names the replay store that `other` names: a running origin keeps the one that
    /// it has.
    #[must_use]
    pub fn has_replay_store_of(&self, other: &Self) -> bool {
        self.settings.store.is_that_of(&other.settings.store)
    }

    /// Reads the keys, and makes what a layer asks, with a new replay store.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys) and [`replay_store`](Self::replay_store).
    pub fn perimeter(&self) -> Result<Perimeter, ConfigFault> {
        self.perimeter_with(self.replay_store()?)
    }

    /// Reads the keys, and makes what a layer asks, with `store`: on a reload the one that it has, so
    /// that what was used before stays used.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys), and when the store cannot remember for as long as is asked now.
    pub fn perimeter_with(&self, store: Arc<dyn ReplayStore>) -> Result<Perimeter, ConfigFault> {
        let builder = self.verifier_builder()?.replay_store(store);
        let verifier = self.gather(|faults| faults.take("freshness", builder.build()))?;
        let Settings { routes, refusal, logged_per_second, .. } = &self.settings;
        Ok(Perimeter::new(verifier)
            .routes(routes.clone())
            .refuse_with(*refusal)
            .logged_per_second(*logged_per_second))
    }

    pub(super) fn load_keys(&self, faults: &mut Faults<'_>) -> Option<(Vec<LoadedKey>, Keyring)> {
        let keys = self.settings.keys.load(faults);
        if !faults.is_empty() {
            return None; // what is missing would be missed
        }
        let keyring = match keyring(&keys) {
            Err(error @ ConfigError::NoKeys) => {
                let (fault, _) = two_lines(&error);
                faults.add("keys", fault, "make one with `wafpass keys new`");
                return None;
            }
            keyring => faults.take("keys", keyring)?,
        };
        if let Some(ExplainSettings { key_id, .. }) = self.settings.explain
            && keyring.find(key_id.as_bytes()).is_none()
            && keyring.roots().all(|root| *root.id() != key_id)
        {
            let known = keys.iter().map(|key| key.id().to_string()).collect::<Vec<_>>().join(", ");
            let fault = format!("no key has the id {key_id}");
            faults.add("explain.key_id", fault, format!("one of: {known}"));
        }
        Some((keys, keyring))
    }
}

impl Verifier {
    /// The verifier of a configuration, with a new replay store; its keys are read now.
    ///
    /// # Errors
    ///
    /// As [`Config::perimeter`].
    pub fn from_config(config: &Config) -> Result<Self, ConfigFault> {
        let builder = config.verifier_builder()?.replay_store(config.replay_store()?);
        config.gather(|faults| faults.take("freshness", builder.build()))
    }
}

impl VerifyLayer {
    /// The layer of a configuration, with a new replay store; its keys are read now.
    ///
    /// # Errors
    ///
    /// As [`Config::perimeter`].
    pub fn from_config(config: &Config) -> Result<Self, ConfigFault> {
        Ok(Self::of(config.perimeter()?))
    }
}
