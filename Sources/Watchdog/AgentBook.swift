package import ByteText
package import Provenance

/// An agent that was seen to run on this host.
package struct AgentInstance: Equatable, Sendable {
  package var sighting: AgentSighting
  package var vendor: String?
  /// The boot that its process belongs to.
  package var boot: String
  package var since: Timestamp
  /// When it was found to have ended; nil while it runs.
  package var ended: Timestamp?
  package var user: String?
  package var loginUser: String?
  /// Grants that it made, all that were counted.
  package var grantCount = 0
  /// The last of these, at most `mostGrants`.
  package var grants: [String] = []

  package static let mostGrants = 1000

  package init(
    _ sighting: AgentSighting, vendor: String?, boot: String, since: Timestamp, user: String?,
    loginUser: String?
  ) {
    self.sighting = sighting
    self.vendor = vendor
    self.boot = boot
    self.since = since
    self.user = user
    self.loginUser = loginUser
  }

  /// True when both are one process.
  func isSame(_ process: ProcessKey, boot: String) -> Bool {
    self.boot == boot && sighting.process.isSame(as: process)
  }
}

/// The agents that run and ran, a bounded number of them.
package struct AgentBook {
  /// Agents kept; of those that ended the oldest goes first.
  package static let limit = 2000
  /// Agents of one uid that are taken in within a minute; more are not listed.
  package static let perMinute = 60
  /// How long the same agent of the same user is not told of again, in microseconds.
  package static let toldEvery: Int64 = 86_400_000_000

  /// Oldest first.
  package private(set) var all: [AgentInstance] = []
  /// Agents that came too fast to be listed.
  package private(set) var unlisted = 0
  private var taken: [UInt32: [Int64]] = [:]
  private var told: [String: Timestamp] = [:]

  package init() {}

  /// The place of the process's latest instance.
  func place(of process: ProcessKey, boot: String) -> Int? {
    all.lastIndex { $0.isSame(process, boot: boot) }
  }

  /// Puts an instance in the place of the same one, whose grants stay with it, or adds it.
  package mutating func put(_ instance: AgentInstance) {
    if let place = place(of: instance.sighting.process, boot: instance.boot) {
      var instance = instance
      if instance.grantCount < all[place].grantCount {
        instance.grants = all[place].grants
        instance.grantCount = all[place].grantCount
      }
      all[place] = instance
      return
    }
    all.append(instance)
    guard all.count > Self.limit else { return }
    all.remove(at: all.firstIndex { $0.ended != nil } ?? 0)
  }

  package mutating func change(_ place: Int, _ body: (inout AgentInstance) -> Void) {
    body(&all[place])
  }

  /// Counts a grant that the process made.
  package mutating func count(_ grant: String, of process: ProcessKey, boot: String) {
    guard let place = place(of: process, boot: boot) else { return }
    all[place].grantCount += 1
    all[place].grants.append(grant)
    if all[place].grants.count > AgentInstance.mostGrants { all[place].grants.removeFirst() }
  }

  /// True when one more of the uid's may be taken in at `up`; counts it.
  package mutating func mayAdd(_ uid: UInt32?, at up: Int64) -> Bool {
    let uid = uid ?? .max
    if taken.count > 1024 {
      taken = taken.filter { ($0.value.last ?? 0) > up - 60_000_000 }
    }
    let recent = (taken[uid] ?? []).filter { $0 > up - 60_000_000 }
    guard recent.count < Self.perMinute else {
      unlisted += 1
      return false
    }
    taken[uid] = recent + [up]
    return true
  }

  /// True when this agent of this user was not told of within a day.
  package func isNews(_ name: String, uid: UInt32?, at now: Timestamp) -> Bool {
    guard let last = told[Self.key(name, uid)] else { return true }
    let since = now.microseconds - last.microseconds
    return since < 0 || since >= Self.toldEvery
  }

  package mutating func wasTold(_ name: String, uid: UInt32?, at time: Timestamp) {
    if told.count > Self.limit { told = [:] }
    told[Self.key(name, uid)] = time
  }

  /// Who was told of and when, to be kept.
  package var allTold: [(key: String, time: Timestamp)] {
    told.map { ($0.key, $0.value) }.sorted { $0.key < $1.key }
  }

  package mutating func restoreTold(_ key: String, _ time: Timestamp) { told[key] = time }

  static func key(_ name: String, _ uid: UInt32?) -> String {
    "\(name) \(uid.map { "\($0)" } ?? "-")"
  }
}
