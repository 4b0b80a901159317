//! Waits until the library has let go of what a session has emptied.
//!
//! In each tick the library looks which sessions have no subscription left, and then lets go of their collections. What
//! a client creates between the two is lost, though its creation was answered with Good. Many clients delete their last
//! subscription and create the next at once; one in a few hundred times they meet that moment, more often the more the
//! server has to do. So the deletion is answered when the library has let go.
//!
//! A subscription without items of machines is deleted without a question to us, and is not waited for.

use std::time::Duration;

use opcua::server::node_manager::RequestContext;
use tokio::time::{sleep, timeout};

use super::super::limits::TICK_MS;

/// It takes two ticks, or a little more on a busy computer.
const AT_MOST: Duration = Duration::from_millis(50 * TICK_MS);

tokio::task_local! {
    static IS_LIBRARY: ();
}

/// Runs the library. Its ticks delete what has expired; they must not wait for themselves.
pub(in crate::server) async fn ticking<T>(library: impl Future<Output = T>) -> T {
    IS_LIBRARY.scope((), library).await
}

/// To be called when items were deleted, one by one or with their subscription, before it is answered.
pub(in crate::server) async fn until_let_go(context: &RequestContext) {
    if IS_LIBRARY.try_with(|()| ()).is_ok() || !context.session().read().is_activated() {
        return;
    }
    let is_empty = || {
        context
            .subscriptions
            .get_session_subscriptions(context.session_id)
            .is_some_and(|it| it.lock().subscription_ids().is_empty())
    };
    // If it takes longer, the client has to wait for something else.
    let _ = timeout(AT_MOST, async {
        while is_empty() {
            sleep(Duration::from_millis(TICK_MS / 2)).await;
        }
    })
    .await;
}
