//! Properties of the job tracker and the model around it, over generated sequences of observations.

mod anything;
mod invariants;
mod orders;
mod prints;
