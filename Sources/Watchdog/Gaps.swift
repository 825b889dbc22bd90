import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance
import Sources

extension Engine {
  /// Puts a loss of events on record (law 5).
  func gap(source: String, reason: String, from: Timestamp, to: Timestamp) {
    announce(
      "source.gap", severity: .medium,
      "\(source): \(reason); from \(from.rfc3339) to \(to.rfc3339)")
  }

  /// How often gaps may have everything looked at: whoever can make gaps could keep the daemon busy.
  private static let freshLookEvery: Int64 = 30_000_000

  /// Looks at the whole state after a loss of events (law 5), at once or when the last such look is
  /// long enough ago.
  func lookAfresh() {
    if let last = lookedAfresh, now.up - last < Self.freshLookEvery {
      return agenda.add(.freshLook, at: last + Self.freshLookEvery)
    }
    lookedAfresh = now.up
    lookAtEverything()
  }

  private func lookAtEverything() {
    // What waits to be read is somebody's; what the look finds is nobody's.
    readKernelEvents()
    var batch = SignalBatch(now: now)
    let since = lastLook.wall
    lookingSince = since
    lookAtAccounts([], &batch, gap: since)
    lookAtAllEntries(gap: since)
    rescanFiles(since: since)
    lookingSince = nil
    lastLook = now
  }

  /// Takes what the process table says it missed.
  func takeProcessGaps() {
    keepLaunchRequests()
    takeAgentNews()
    let gaps = processes.takeGaps()
    // Not from within the reading of events that told of it.
    if !gaps.isEmpty { agenda.add(.freshLook, at: now.up) }
    for gap in gaps {
      announce(
        gap.tampered ? "source.tampered" : "source.gap", severity: gap.tampered ? .high : .medium,
        "process-events: \(gap.reason); from \(gap.from.wall.rfc3339) to \(gap.to.wall.rfc3339)")
    }
    switch processes.health.state {
    case "ok": problems.clear(.processEvents)
    case "unavailable":
      problems.set(
        .processEvents,
        "process-events: not available here (a container?): ancestry comes from /proc alone and"
          + " confidence is lower")
    default:
      problems.set(.processEvents, "process-events: blind; ancestry comes from /proc alone")
    }
  }

  /// Lets the process table find out whether it still hears anything.
  func lookAtProcessHealth() {
    noteReadFileEvents()
    processes.drain()
    processes.canary()
    takeProcessGaps()
    lookAtAuditHealth()
    readLogFiles()
    lookAtConnectors()
    agenda.add(.canary, at: now.up + 1_000_000)
  }

  /// Trees and file systems may come and go under the watched paths.
  func lookAtMounts() {
    lookAtLaunchFolders()
    guard let fileWatch, fileWatch.refresh() else { return }
    readKernelEvents()
    sayUnmarked(fileWatch)
    rescanFiles(since: lastLook.wall)
  }

  /// How often everything is looked at without being asked to.
  static let slowLookEvery: Int64 = 3_600_000_000

  func slowLook() {
    lookAtMounts()
    lookAtEverything()
    agenda.add(.slowLook, at: now.up + Self.slowLookEvery)
  }
}
