package import Grants
import LinuxKit

/// A span in which process events were lost.
package struct ProcessGap: Equatable, Sendable {
  package var from: Moment
  package var to: Moment
  package var reason: String
  /// Another process switched the events off.
  package var tampered: Bool
}

/// What is known of the connector's health.
final class ConnectorWatch {
  var connector: ProcessConnector?
  var gaps: [ProcessGap] = []
  /// The last moment at which an event came.
  var heard: Moment?
  var blindSince: Moment?
  var lost = 0
  var tampered = 0
  /// Somebody's request was refused: the sign of an attempt to switch events off.
  private(set) var suspicious = false
  var checked: Moment?

  func suspect() {
    tampered += 1
    suspicious = true
  }

  func trust() { suspicious = false }
}

extension ProcessTable {
  /// Where process events come from.
  package enum Supply: Sendable {
    /// From the kernel, where it gives them.
    case kernel
    /// From nowhere: /proc alone.
    case none
    /// From whoever calls `take`.
    case fed
  }

  /// Opens the connector where there is one, then looks at /proc: in this order nothing falls
  /// between the two. `room` is for events that nobody has read yet, in bytes of the kernel's.
  package func start(_ supply: Supply = .kernel, room: Int32 = ProcessConnector.room) {
    let now = clock()
    if supply == .kernel { openConnector(room) }
    hasEvents = supply == .fed || watch.connector != nil
    if watch.connector != nil { watch.heard = now }
    watch.checked = now
    survey()
    drain()
    finding = .found
  }

  private func openConnector(_ room: Int32) {
    watch.connector = try? ProcessConnector(room: room)
    guard watch.connector != nil, !hears() else { return }
    if heal() {
      watch.tampered += 1
    } else {
      watch.connector = nil
    }
  }

  /// Readable when events wait; nil without a connector.
  package var descriptor: Int32? { watch.connector?.descriptor }

  /// Reads all events that wait, without blocking.
  package func drain() {
    read { _ in }
    bury()
    guard watch.suspicious, let checked = watch.checked, clock().up - checked.up > 100_000 else {
      return
    }
    check()
  }

  /// Reads events; an overrun is a gap, and followed by a look at /proc.
  private func read(_ seen: (ProcessEvent) -> Void) {
    guard let connector = watch.connector else { return }
    var told = false
    let drained = connector.drain { event, at in
      if case .acknowledged = event {} else { told = true }
      take(event, at: at)
      seen(event)
    }
    guard told || drained.overruns > 0 else { return }
    let now = clock()
    if drained.overruns > 0 {
      watch.lost += drained.overruns
      watch.gaps.append(
        ProcessGap(
          from: watch.heard ?? now, to: now,
          reason: "process events were lost: they came faster than they were read",
          tampered: false))
      survey()
    }
    watch.heard = now
  }

  /// Call it about every second: makes sure that events still come (a child now and then, at once
  /// after a sign of tampering), and brings them back if not. Without a connector it forgets what
  /// has ended.
  package func canary() {
    guard watch.connector != nil else {
      if let checked = watch.checked, clock().up - checked.up < 30_000_000 { return }
      watch.checked = clock()
      for record in records.values where record.exited == nil {
        if !files.exists(record.key.pid) { end(record) }
      }
      bury()
      return
    }
    drain()
    guard let checked = watch.checked, !watch.suspicious, watch.blindSince == nil,
      clock().up - checked.up < 30_000_000
    else { return check() }
  }

  /// Expects the FORK of a child made now; heals what is blind.
  private func check() {
    let now = clock()
    watch.checked = now
    read { _ in }
    if hears() {
      watch.trust()
      sees(again: clock())
      return
    }
    if watch.blindSince == nil {
      watch.blindSince = watch.heard ?? now
      watch.tampered += 1
    }
    if heal() {
      watch.trust()
      sees(again: clock())
    }
  }

  private func sees(again now: Moment) {
    watch.heard = now
    guard let since = watch.blindSince else { return }
    watch.blindSince = nil
    watch.gaps.append(
      ProcessGap(
        from: since, to: now, reason: "process events were switched off by another process",
        tampered: true))
    survey()
  }

  private func hears() -> Bool {
    guard let connector = watch.connector, let child = connector.forkNothing() else { return false }
    var heard = false
    read { if case .fork(_, _, child, _) = $0 { heard = true } }
    return heard
  }

  /// Raises the kernel's count of listeners until it is above zero again; 4,096 at the most.
  private func heal() -> Bool {
    var times = 64
    while times <= 2048 {
      watch.connector?.raiseListeners(times)
      if hears() { return true }
      times *= 2
    }
    return false
  }

  /// `ok`, `blind` while the connector tells nothing, `unavailable` without one; how often events
  /// were lost and how many signs of tampering were met.
  package var health: (state: String, lost: Int, tampered: Int, blindSince: Moment?) {
    let state =
      watch.connector == nil ? "unavailable" : watch.blindSince == nil ? "ok" : "blind"
    return (state, watch.lost, watch.tampered, watch.blindSince)
  }

  /// The gaps that have closed since the last call.
  package func takeGaps() -> [ProcessGap] {
    defer { watch.gaps = [] }
    return watch.gaps
  }
}
