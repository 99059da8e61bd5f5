//! What must be so when nobody waits for anything any more.

use squelch_call::EndReason;

use super::phone::{Life, Phone, Role};
use super::stage::{Scene, Stage};

/// Plays a trial to its end and gives what is wrong with it.
pub(super) fn judge(stage: &mut Stage) -> Vec<String> {
    let mut faults = Vec::new();
    if !stage.play() {
        faults.push(format!("still busy after {:?}", stage.elapsed()));
        return faults;
    }
    peers_agree(stage, &mut faults);
    records(stage, &mut faults);
    nothing_left(stage, &mut faults);
    faults.append(&mut stage.tally.faults);
    faults.append(&mut stage.witness.faults);
    faults
}

/// Whether the network did worse than lose, repeat and delay: then a call may end in any way.
fn is_cut_off(stage: &Stage) -> bool {
    stage.links.iter().any(|link| link.cut) || stage.setting.has_trouble()
}

/// Both peers know that every call is over.
///
/// A peer may still hold one only where no copy of squelch's BYE reached it: the network was dark
/// for the 64*T1 that a BYE is repeated for, or a connection broke under it. It then hangs up, as
/// people and session timers do, and must be told that there is no such call.
fn peers_agree(stage: &mut Stage, faults: &mut Vec<String>) {
    let cut_off = is_cut_off(stage);
    for phone in stage.phones.iter().filter(|phone| phone.life != Life::Over) {
        let tag = &phone.local_tag;
        // Where there is no connection, none is sent either.
        let sent = phone.role == Role::Caller || !stage.setting.has_trouble();
        let lost = stage.witness.bye_was_lost(&phone.call_id, tag, sent);
        if !(cut_off && lost) {
            faults.push(format!("{} still waits: {:?}", name(phone), phone.life));
        }
    }
    if !cut_off {
        for phone in &stage.phones {
            for what in &phone.unanswered {
                if *what == "INVITE" && may_go_unchallenged(stage, phone) {
                    continue;
                }
                faults.push(format!("{}: no answer to {what}", name(phone)));
            }
        }
    }
    stage.hang_up_what_is_left();
    if !stage.play() {
        faults.push("still busy after the last hung up".into());
    }
    for phone in stage.phones.iter().filter(|phone| phone.life != Life::Over) {
        faults.push(format!("{} never ends: {:?}", name(phone), phone.life));
    }
}

/// A challenge is not repeated by itself (RFC 3261 section 8.2.7): each of the caller's repetitions
/// draws one, and a network that loses may take all of them.
fn may_go_unchallenged(stage: &Stage, phone: &Phone) -> bool {
    let came = stage.scenes.get(phone.scene).and_then(|s| s.reached);
    stage.setting.digest && phone.role == Role::Caller && came.is_none()
}

/// Exactly one record a call, with an ending that its story allows and its caller was told.
fn records(stage: &Stage, faults: &mut Vec<String>) {
    let cut_off = is_cut_off(stage);
    let records = &stage.tally.records;
    for (number, scene) in stage.scenes.iter().enumerate() {
        let from = format!("***{number:04}");
        let mut its = records.iter().filter(|record| record.from.ends_with(&from));
        let (record, more) = (its.next(), its.count());
        if scene.came_again && more > 0 {
            continue;
        }
        let Some(record) = record.filter(|_| more == 0) else {
            if record.is_some() || scene.reached.is_some() {
                let count = more + usize::from(record.is_some());
                faults.push(format!("{count} records of call {number}"));
            }
            continue;
        };
        let ending = EndReason::ALL
            .iter()
            .find(|reason| reason.name() == record.reason)
            .filter(|reason| reason.result().name() == record.result);
        let Some(ending) = ending else {
            faults.push(format!(
                "no such ending: {}, {}",
                record.result, record.reason
            ));
            continue;
        };
        let [_, openai] = &stage.links;
        let allowed = stage.setting.ends(&scene.plot, openai);
        if !cut_off && !allowed.contains(ending) {
            let plot = scene.plot.name;
            faults.push(format!("call {number} ({plot}) ended as {}", ending.name()));
        }
        caller_agrees(stage, scene, number, record, *ending, faults);
    }
    let answered = records.iter().filter(|r| r.answered_at.is_some()).count();
    if answered != stage.tally.answered {
        faults.push(format!(
            "{} calls answered, {answered} by the records",
            stage.tally.answered
        ));
    }
    let counted: u64 = stage.gateway.counters().ended.values().sum();
    if counted != records.len() as u64 {
        faults.push(format!(
            "{} records, {counted} calls counted",
            records.len()
        ));
    }
    if stage
        .gateway
        .counters()
        .active
        .values()
        .any(|calls| *calls > 0)
    {
        faults.push("calls are still counted as active".into());
    }
}

fn caller_agrees(
    stage: &Stage,
    scene: &Scene,
    number: usize,
    record: &squelch_call::CallRecord,
    ending: EndReason,
    faults: &mut Vec<String>,
) {
    let Some(caller) = stage.phones.get(number).filter(|p| p.role == Role::Caller) else {
        return;
    };
    if caller.was_up && record.answered_at.is_none() {
        faults.push(format!(
            "call {number} was answered, its record says it was not"
        ));
    }
    let told = match ending {
        EndReason::Cancelled => Some(487),
        ending => ending.status(),
    };
    let refused = caller.refused.filter(|_| scene.plot.caller_acknowledges);
    if let (Some(told), Some(refused)) = (told, refused)
        && told != refused
    {
        let why = ending.name();
        faults.push(format!(
            "call {number} ended as {why}, its caller was told {refused}"
        ));
    }
}

fn nothing_left(stage: &Stage, faults: &mut Vec<String>) {
    if !stage.gateway.is_idle() {
        faults.push("the gateway keeps something".into());
    }
    let tally = &stage.tally;
    let left = [
        (tally.bound.len(), "port pairs"),
        (tally.media.len(), "media paths"),
        (tally.asked.len(), "unanswered HTTP requests"),
    ];
    for (count, what) in left.into_iter().filter(|(count, _)| *count > 0) {
        faults.push(format!("{count} {what} left"));
    }
    let drains = u32::from(stage.setting.drain.is_some());
    if tally.drained != drains {
        faults.push(format!("told {} times that it is drained", tally.drained));
    }
}

fn name(phone: &Phone) -> String {
    let (role, scene, fork) = (phone.role, phone.scene, phone.fork);
    format!("the {role:?} of call {scene} (fork {fork})")
}
