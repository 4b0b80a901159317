//! Call (OPC 10000-4 §5.12.2): methods of JobManagement.
//!
//! Arguments are checked before anything happens; then the task that owns the machine is asked, and the caller, and
//! nobody else, waits for its answer. A Call that reaches the machine is Good; its ReturnStatus tells the rest.

use std::sync::Arc;

use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::{MethodCall, RequestContext};
use opcua::types::{StatusCode, Variant};
use tokio::sync::mpsc;

use super::super::access::Access;
use super::super::access::audit::{self, Actor};
use super::super::command::{self, Command};
use super::super::plant::{Found, Plant, is_shown, split};
use crate::machine::{Refusal, Request};
use crate::umati::blueprint::NodeKind;
use crate::umati::calls::{self, Call, CallFault, JobMethod};

/// What there is to do for a call whose arguments are right.
enum Todo {
    Answer(Vec<Variant>),
    Ask(mpsc::Sender<Command>, Request),
    Refused(Refusal),
}

/// Answers the calls of methods of machines, by whatever NodeId they are named. Cheap to clone.
#[derive(Clone)]
pub(in crate::server) struct Methods {
    pub plant: Plant,
    pub access: Arc<Access>,
}

impl Methods {
    /// One after the other, as they stand in the request.
    pub(in crate::server) async fn call(
        &self,
        context: &RequestContext,
        calls: &mut [&mut MethodCall],
    ) {
        let user = self.access.user(context);
        let actor = self.access.actor(context);
        for it in calls {
            call(&self.plant, &user, &actor, it).await;
        }
    }
}

/// Answers one call.
async fn call(plant: &Plant, user: &UserToken, actor: &Actor, call: &mut MethodCall) {
    let outcome = match prepare(plant, user, call) {
        Ok(Todo::Answer(outputs)) => {
            call.set_outputs(outputs);
            call.set_status(StatusCode::Good);
            Ok(())
        }
        Ok(Todo::Refused(refusal)) => answer(call, Err(refusal)),
        Ok(Todo::Ask(commands, request)) => {
            let outcome = command::ask(&commands, request).await;
            answer(call, outcome)
        }
        Err(Fault::Status(status)) => {
            call.set_status(status);
            Ok(())
        }
        Err(Fault::Arguments(status, results)) => {
            if results.is_empty() {
                call.set_status(status);
            } else {
                call.set_argument_error(results);
            }
            Ok(())
        }
    };
    let returned = outcome.err();
    let returned = returned.as_ref().map(|why| why as &dyn std::fmt::Display);
    audit::call(
        actor,
        call.object_id(),
        call.method_id(),
        call.status(),
        returned,
    );
}

enum Fault {
    Status(StatusCode),
    Arguments(StatusCode, Vec<StatusCode>),
}

fn answer(call: &mut MethodCall, outcome: Result<(), Refusal>) -> Result<(), Refusal> {
    call.set_outputs(vec![calls::return_status(outcome).into()]);
    call.set_status(StatusCode::Good);
    outcome
}

fn prepare(plant: &Plant, user: &UserToken, call: &MethodCall) -> Result<Todo, Fault> {
    let Some(found) = plant.find(user, call.object_id()) else {
        return Err(Fault::Status(StatusCode::BadNodeIdUnknown));
    };
    let method = method(&found, call)?;
    match calls::parse(method, call.arguments()) {
        Ok(Call::Look(query)) => Ok(Todo::Answer(calls::responses(&found.instance, &query))),
        Ok(Call::Ask(request)) => match plant.commands(found.position) {
            Some(commands) => Ok(Todo::Ask(commands.clone(), request)),
            None => Err(Fault::Status(StatusCode::BadNotExecutable)),
        },
        Err(CallFault::Refused(refusal)) => Ok(Todo::Refused(refusal)),
        Err(CallFault::Arguments(fault)) => Err(Fault::Arguments(
            fault.status(),
            fault.argument_results().to_vec(),
        )),
    }
}

/// The method of the object that the client names: by its own NodeId, or by the one that it has in the type.
fn method(object: &Found<'_>, call: &MethodCall) -> Result<JobMethod, Fault> {
    let blueprint = object.instance.blueprint();
    let index = blueprint
        .method(object.index, call.method_id())
        .or_else(|| {
            let (machine, path) = split(call.method_id())?;
            (machine == object.instance.id()).then_some(())?;
            blueprint.find(path)
        })
        .filter(|&index| is_shown(&object.instance, index, object.role))
        .ok_or(Fault::Status(StatusCode::BadMethodInvalid))?;
    let node = blueprint.node(index);
    if !matches!(node.kind, NodeKind::Method { .. }) {
        return Err(Fault::Status(StatusCode::BadMethodInvalid));
    }
    let here = &blueprint.node(object.index).path;
    JobMethod::of(&node.path)
        .filter(|method| **here == *method.object())
        .ok_or(Fault::Status(StatusCode::BadMethodInvalid))
}
