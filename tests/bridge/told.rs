//! The jobs that a MES was told of, held against the prints that there were.
//!
//! What the bridge cannot know is not asked of it. When it looked is told by itself, as the times of LastUpdate: what a
//! client was told is kept, and one look begins after the other was received. So between two looks that were told,
//! OctoPrint was read, and the second of them knows all that had happened before the first.

use std::time::Duration;

use chrono::Utc;
use opcua::types::Variant;
use umati_bridge::umati::isa95::codec::from_extension_object;
use umati_bridge::umati::isa95::types::JobResponse;

use crate::mes::{Mes, Seen};
use crate::prints::{ERROR, Ending, Fate, Print, Time};

/// One entry of JobOrderResponseList.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: String,
    pub start: Time,
    pub end: Option<Time>,
    pub result: i32,
    pub reason: Option<String>,
}

/// JobResult, OPC 40001-3 §9.2.
pub const UNKNOWN: i32 = 0;
pub const SUCCESSFUL: i32 = 1;
pub const UNSUCCESSFUL: i32 = 2;

/// The jobs in a JobOrderResponseList, by their start.
pub fn jobs(list: &Variant) -> Vec<Job> {
    let mut jobs: Vec<_> = match list {
        Variant::Array(list) => list.values.iter().map(job).collect(),
        _ => Vec::new(),
    };
    jobs.sort_by_key(|job| job.start);
    jobs
}

/// When the bridge looked, by what was told of LastUpdate.
pub fn looks(told: impl IntoIterator<Item = Seen>) -> Vec<Time> {
    let mut looks: Vec<_> = told
        .into_iter()
        .filter_map(|seen| match seen.value {
            Variant::DateTime(time) if seen.is_good() => Some(time.as_chrono()),
            _ => None,
        })
        .collect();
    looks.sort();
    looks.dedup();
    looks
}

fn job(entry: &Variant) -> Job {
    let Variant::ExtensionObject(object) = entry else {
        panic!("{entry:?}");
    };
    let job: JobResponse = from_extension_object(object).expect("a job response");
    let data = job.job_response_data.unwrap_or_default();
    let told = |name: &str| data.iter().find(|it| it.id.as_ref() == name);
    Job {
        id: job.job_order_id.to_string(),
        start: job.start_time.expect("a start").as_chrono(),
        end: job.end_time.map(|end| end.as_chrono()),
        result: match told("JobResult").map(|it| &it.value) {
            Some(&Variant::Int32(result)) => result,
            other => panic!("{other:?}"),
        },
        reason: told("ReasonForStateChange").map(|it| match &it.value {
            Variant::LocalizedText(text) => text.text.to_string(),
            other => panic!("{other:?}"),
        }),
    }
}

/// Waits until the MES is told what is so now.
pub async fn until_known(mes: &Mes, path: &str) {
    let now = Utc::now();
    while later(&looks(mes.history(0, path)), now).count() < 2 {
        mes.until_changed(mes.mark(), path, 1).await;
    }
}

/// What was told before is told still, and the same of it.
pub fn assert_nothing_lost(before: &[Job], now: &[Job]) {
    for was in before {
        let same: Vec<_> = now.iter().filter(|job| job.id == was.id).collect();
        match same[..] {
            [is] if was.end.is_none() => assert_eq!(was.start, is.start, "{was:?} {is:?}"),
            [is] => assert_eq!(was, is, "it was over"),
            _ => panic!("{was:?} is told {} times: {now:#?}", same.len()),
        }
    }
}

impl Job {
    /// Whether it is about the file of that print; no two prints in a row have one file.
    fn is_of(&self, print: &Print) -> bool {
        let file = format!("octoprint:local/{}@", print.file);
        self.id.starts_with(&file)
    }
}

/// How long a message may be under way from OctoPrint to the bridge, on a machine that has other work to do.
const LAG: Duration = Duration::from_millis(400);

/// How much of the story was put to the proof.
#[derive(Debug, Default)]
pub struct Proof {
    pub prints: usize,
    /// Prints that the bridge must have told.
    pub told: usize,
    /// Prints whose ending it must have told as it was.
    pub endings: usize,
}

/// Each print that was seen is one job with its start and its end, and there is no other job.
pub fn assert_the_same_story(prints: &[Print], jobs: &[Job], looks: &[Time], proof: &mut Proof) {
    let mut left = jobs.iter().peekable();
    // Prints that were taken for one of the same file before them.
    let mut taken = Vec::new();
    for (index, print) in prints.iter().enumerate() {
        let later = &prints[index + 1..];
        let again = later.iter().find(|later| later.file == print.file);
        let before =
            |job: &Job, next: Option<&Print>| next.is_none_or(|next| job.start < next.start.after);
        // A print that is told as a whole, and late, may be told to start after the next one has started.
        let is_of_print =
            |job: &&Job| before(job, later.first()) || (job.is_of(print) && before(job, again));
        let found: Vec<_> = std::iter::from_fn(|| left.next_if(is_of_print)).collect();
        proof.prints += 1;
        let told = known(looks, print.start.before, print.runs_until());
        proof.told += usize::from(told);
        match found[..] {
            [job] => {
                let alike = again.filter(|again| are_alike(print, again, job, looks));
                taken.extend(alike.map(|it| it.start.after));
                let fate = alike.unwrap_or(print).fate;
                let as_seen = Print {
                    fate,
                    ..print.clone()
                };
                proof.endings += usize::from(assert_same(&as_seen, job, looks));
            }
            [] if !told || taken.contains(&print.start.after) => {}
            _ => panic!("{print:#?} is told as {found:#?} of {jobs:#?}, looks {looks:?}"),
        }
    }
    let rest: Vec<_> = left.collect();
    assert!(rest.is_empty(), "jobs without a print: {rest:#?}");
    for pair in jobs.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        assert!(one.end <= Some(next.start), "{one:?} {next:?}");
    }
}

/// Whether a print goes on as another of the same file that came later: of its end, and of what came between, nothing
/// was seen, and OctoPrint names no print.
fn are_alike(print: &Print, again: &Print, job: &Job, looks: &[Time]) -> bool {
    let Fate::Over { end, .. } = print.fate else {
        return false;
    };
    let latest = later(looks, end.before).nth(1);
    latest.is_none_or(|look| again.start.after < look) && job.end > latest
}

/// Tells whether the ending was certain.
fn assert_same(print: &Print, job: &Job, looks: &[Time]) -> bool {
    let told_as = format!("{print:#?} is told as {job:#?}, looks {looks:?}");
    assert!(job.is_of(print), "{told_as}");
    let Fate::Over { how, end, gone } = print.fate else {
        panic!("it runs still: {print:?}");
    };
    let latest = |since: Time| later(looks, since).nth(1);
    assert!(print.start.after <= job.start, "{told_as}");
    assert!(Some(job.start) <= latest(print.start.before), "{told_as}");
    let ended = job.end.expect("all prints are over");
    assert!(end.after <= ended, "{told_as}");
    assert!(Some(ended) <= latest(end.before), "{told_as}");

    let certain = known(looks, end.before, gone.unwrap_or(Time::MAX_UTC));
    let result = (job.result, job.reason.as_deref());
    match (how, certain) {
        (Ending::Completed, true) => assert_eq!(result, (SUCCESSFUL, None), "{told_as}"),
        (Ending::Cancelled, true) => {
            assert_eq!(result, (UNSUCCESSFUL, Some("cancelled")), "{told_as}");
        }
        (Ending::Failed, true) => assert_eq!(result, (UNSUCCESSFUL, Some(ERROR)), "{told_as}"),
        (Ending::Forgotten, true) => assert_eq!(job.result, UNKNOWN, "{told_as}"),
        (Ending::Completed, false) | (Ending::Torn, _) => {}
        // Nobody saw how it ended, but a success it was not.
        (_, false) => assert_ne!(job.result, SUCCESSFUL, "{told_as}"),
    }
    certain
}

impl Print {
    /// From then on it may not be seen as running.
    fn runs_until(&self) -> Time {
        match self.fate {
            Fate::Runs => Time::MAX_UTC,
            Fate::Ends(at) => at,
            Fate::Over { end, .. } => end.after,
        }
    }

    /// Whether it ran at that moment, and the bridge had told of it.
    pub fn is_told_at(&self, moment: Time, looks: &[Time]) -> bool {
        moment < self.runs_until() && known(looks, self.start.before, moment)
    }

    /// Whether it was seen running after that moment.
    pub fn is_seen_after(&self, moment: Time, looks: &[Time]) -> bool {
        known(looks, moment, self.runs_until())
    }
}

/// Whether the bridge knows of something that lasted from one moment to the other.
fn known(looks: &[Time], from: Time, to: Time) -> bool {
    later(looks, from).nth(1).is_some_and(|look| look <= to)
}

/// The looks that show what was so at that time: what OctoPrint tells by itself was so when it was sent.
fn later(looks: &[Time], than: Time) -> impl Iterator<Item = Time> {
    let than = than + LAG;
    looks.iter().copied().filter(move |look| *look >= than)
}
