import ByteText
import Grants
import Ledger
import LinuxKit
import Provenance
import Sources

extension Engine {
  /// Writes the object that `grantctl status` shows.
  ///
  /// - Parameter visible: which grants the caller may know of; nil for all.
  func writeStatus(to writer: inout JSONWriter, visible: ((Grant) -> Bool)?) {
    var counts: [GrantState: Int] = [:]
    if let visible {
      for id in store.order {
        guard let grant = store[id], !grant.standing, visible(grant) else { continue }
        counts[grant.state, default: 0] += 1
      }
    } else {
      counts = store.counts
    }
    let now = now
    var overdue = 0
    var next: (id: String, left: TimeSpan)?
    for id in store.timed {
      guard let grant = store[id], visible?(grant) != false,
        let left = effectiveDeadline(grant)?.left(at: now)
      else { continue }
      if left <= .zero {
        overdue += 1
      } else if left < next?.left ?? TimeSpan(microseconds: .max) {
        next = (id, left)
      }
    }
    writer.beginObject()
    writer.member("version", settings.version)
    writer.member("mode", configuration.mode.rawValue)
    writer.member("state", problems.isDegraded ? "degraded" : "ok")
    writer.member("since", time: startedAt.wall)
    writer.member("host", settings.host)
    writer.key("grants")
    writer.beginObject()
    for state in [
      GrantState.active, .approved, .expiring, .ended, .revokeFailed, .drifted,
    ] {
      writer.member(state.rawValue, counts[state] ?? 0)
    }
    writer.endObject()
    writer.member("overdue", overdue)
    writer.key("next")
    if let next {
      writer.beginObject()
      writer.member("id", next.id)
      writer.member("expiresAt", time: now.wall + next.left)
      writer.endObject()
    } else {
      writer.null()
    }
    writeSources(to: &writer)
    writer.key("ledger")
    writer.beginObject()
    writer.member("records", ledger.records)
    writer.member("head", ledger.head)
    writer.endObject()
    writer.member("problems", problems.all)
    writer.endObject()
  }

  private func writeSources(to writer: inout JSONWriter) {
    writer.key("sources")
    writer.beginArray()
    writer.beginObject()
    writer.member("name", "fanotify")
    writer.member("state", fileWatch == nil || problems.has(.fanotify) ? "failed" : "ok")
    writer.member("lost", fileWatch?.overflows ?? 0)
    writer.member("events", fileWatch?.events ?? 0)
    writer.endObject()
    writer.beginObject()
    let health = processes.health
    writer.member("name", "process-events")
    writer.member("state", health.state)
    writer.member("lost", health.lost)
    writer.endObject()
    writer.beginObject()
    writer.member("name", "journal")
    writer.member(
      "state", journal == nil ? "unavailable" : problems.has(.journal) ? "failed" : "ok")
    writer.member("lagMilliseconds", journal?.lagMilliseconds.map(Int64.init))
    writer.member("lost", journal?.lost ?? 0)
    writer.endObject()
    writer.beginObject()
    writer.member("name", "audit")
    writer.member(
      "state",
      audit == nil ? "unavailable" : audit?.status?.enabled == 0 ? "silent" : "ok")
    writer.member("lost", audit?.lost ?? 0)
    writer.endObject()
    for connector in connectors {
      writer.beginObject()
      writer.member("name", connector.kind.rawValue)
      writer.member("state", sourceState(of: connector))
      writer.member("lagMilliseconds", connector.lastReport.map { (now.up - $0.up) / 1000 })
      writer.member("lost", connector.refusedCount)
      writer.endObject()
    }
    writer.endArray()
  }

  /// Writes why a grant got its verdict.
  func writeExplanation(of grant: Grant, to writer: inout JSONWriter) {
    let verdict = configuration.verdict(for: grant)
    var will: String
    switch grant.state {
    case .ended, .drifted: will = "nothing"
    case .expiring, .revokeFailed: will = "revoke"
    case .approved: will = "wait"
    case .active:
      will = grant.deadline == nil ? "nothing" : verdict.willRevoke ? "revoke" : "alert"
    }
    if grant.standing { will = "nothing" }
    let obstacle = will == "revoke" && grant.state == .active ? guardRail(grant) : nil
    if obstacle != nil { will = "alert" }
    writer.beginObject()
    writer.member("id", grant.id)
    writer.member("verdict", grant.provenance.rawValue)
    writer.member("confidence", grant.confidence.rawValue)
    var because = grant.because
    if grant.standing { because.append("it was there at the first start") }
    if let agent = grant.agent { because.append("the chain of delegation: \(agent.chainText)") }
    because += grant.evidence.prefix(8).map { "\($0.source): \($0.text)" }
    if let approval = grant.approval {
      because.append("\(approval.by) approved it at \(approval.time.rfc3339): \(approval.reason)")
    }
    if let error = grant.revokeError { because.append("taking it back failed: \(error)") }
    because += verdict.reasons
    if let obstacle { because.append("not taken back by itself: \(obstacle)") }
    writer.member("because", because)
    writer.member("chain", grant.agent?.delegation.map(\.text) ?? [])
    writer.member("rule", grant.rule)
    writer.member(
      "deadline",
      time: effectiveDeadline(grant).map { now.wall + $0.left(at: now) } ?? grant.deadline?.wall)
    writer.member("will", will)
    writer.endObject()
  }
}
