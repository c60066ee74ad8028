//! The model itself: where it breaks a promise, the promise or the model is wrong.

use std::sync::Arc;

use wafpass::collector::store::Store;

use crate::support::conformance::Lab;
use crate::support::model::ModelStore;

struct ModelLab(Arc<ModelStore>);

impl Lab for ModelLab {
    async fn new() -> Self {
        Self(Arc::new(ModelStore::new()))
    }

    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn reopen(self) -> Self {
        unreachable!("the model does not outlast itself")
    }

    async fn crash(self) -> Self {
        unreachable!("the model does not outlast itself")
    }
}

conformance!(ModelLab);
