package import ByteText
package import Grants

/// A kind whose state is a set of entries that is read whole, with the help of tools.
///
/// Reading and revoking may take a while: the engine calls them on its queue for kinds, one call at
/// a time, never on its own. An entry's place is `(subject, object)`.
package protocol EntryKind: AnyObject, Sendable {
  var kind: GrantKind { get }

  /// Files and folders whose change is worth a look, absolute on the host. A folder stands for what
  /// is directly in it; what is not there yet is waited for. Asked for again after each read.
  func watchedPaths() -> [[UInt8]]

  /// Reads the state now. What cannot be read is taken over from `previous`, and said in the
  /// state's problems; an error says that nothing could be told at all.
  func read(previous: EntryState?) throws(EntryKindError) -> EntryState

  /// What came and what went. Only what widens access is a gain: an entry that stands in the place
  /// of one that gave as much or more is none.
  func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference

  /// Takes `gain.entry` out and puts `gain.former` back, keeps everything else byte by byte, and
  /// looks again. What is taken out goes to `quarantine` first. Of one that is only longer the end of
  /// `gain.former` is put back, where it ends later still, and nothing else.
  func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome

  /// The same for many, each file rewritten as few times as can be; an outcome for each, in their
  /// order. One that cannot be taken back keeps no other.
  func revoke(_ tasks: [EntryRevocation]) -> [EntryOutcome]

  /// Puts a revoked entry back in the place of `gain.former`, and looks again.
  func restore(_ gain: EntryGain) -> EntryOutcome

  /// What `revoke` would do, in one line, as one would type it where a tool does it.
  func plan(_ gain: EntryGain) -> String

  /// Writes the mechanism's own end of the entry (law 3 of the two fuses: a dead daemon still ends
  /// it), or takes it away with nil. `unsupported` where the mechanism has none.
  func setNativeExpiry(_ entry: AccessEntry, until: Timestamp?) -> EntryOutcome

  /// The same for all entries of one grant: `done`, or what came of one that has no such end now.
  func setNativeExpiry(_ entries: [AccessEntry], until: Timestamp?) -> EntryOutcome

  /// When the mechanism itself ends the entry, whoever wrote that; nil where it has no such end, or
  /// nobody can tell.
  func end(of entry: AccessEntry) -> EntryEnd?

  /// The entry with its end, for people.
  func textWithEnd(_ entry: AccessEntry) -> String

  /// `entry` with the end of `former`.
  func entry(_ entry: AccessEntry, endingAs former: AccessEntry) -> AccessEntry

  /// In how many lines of its place the entry is written, by whomever; 1 where that cannot be.
  func copies(of entry: AccessEntry) -> Int

  /// Leaves one of an entry's copies, the one that lasts longest. What is taken out goes to
  /// `quarantine` first. `unsupported` where there are no copies.
  func leaveOne(_ entry: AccessEntry, quarantine: Quarantine) -> EntryOutcome

  /// True when taking `gain` back ends `entry` whole, whatever end it has by then.
  func covers(_ gain: EntryGain, _ entry: AccessEntry) -> Bool

  /// Who still uses the access of an entry that was taken out.
  func residue(of entry: AccessEntry) -> [Residue]

  /// True when the entry is worth a line in the list of standing grants.
  func isStanding(_ entry: AccessEntry) -> Bool
}

extension EntryKind {
  /// Set difference; a lost entry of the same place is what a gained one replaces.
  package func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    let lost = old.sorted.filter { !new.contains($0.key) }
    let gained = new.sorted.filter { !old.contains($0.key) }.map { entry in
      EntryGain(
        entry, former: lost.first { $0.subject == entry.subject && $0.object == entry.object })
    }
    return EntryDifference(gained: gained, lost: lost)
  }

  package func revoke(_ tasks: [EntryRevocation]) -> [EntryOutcome] {
    tasks.map { revoke($0.gain, quarantine: $0.quarantine) }
  }

  package func end(of entry: AccessEntry) -> EntryEnd? { nil }

  package func textWithEnd(_ entry: AccessEntry) -> String {
    switch end(of: entry) {
    case .at(let moment): "\(entry.value) until \(moment.rfc3339)"
    case .never: "\(entry.value) without an end"
    case nil: entry.value
    }
  }

  package func entry(_ entry: AccessEntry, endingAs former: AccessEntry) -> AccessEntry {
    var entry = entry
    entry.detail = former.detail
    return entry
  }

  package func copies(of entry: AccessEntry) -> Int { 1 }

  package func leaveOne(_ entry: AccessEntry, quarantine: Quarantine) -> EntryOutcome {
    .unsupported
  }

  package func covers(_ gain: EntryGain, _ entry: AccessEntry) -> Bool {
    gain.entry.key == entry.key && !gain.isLonger
  }

  /// What stays, or goes on as `moved` says, and ends later than before. Of several that go on as one
  /// the last end counts.
  func prolonged(
    _ old: EntryState, _ new: EntryState, moved: [EntryMove] = []
  ) -> [EntryGain] {
    var formers: [AccessEntry.Key: AccessEntry] = [:]
    for move in moved {
      guard let entry = old[move.from] else { continue }
      if let known = formers[move.to], let last = end(of: known), let end = end(of: entry),
        end <= last
      {
        continue
      }
      formers[move.to] = entry
    }
    var found: [EntryGain] = []
    for entry in new.entries.values {
      guard let former = old[entry.key] ?? formers[entry.key], former.detail != entry.detail,
        let before = end(of: former), let now = end(of: entry), before < now
      else { continue }
      found.append(EntryGain(entry, former: former, isLonger: true))
    }
    return found.sorted { $0.entry.precedes($1.entry) }
  }

  package func setNativeExpiry(_ entry: AccessEntry, until: Timestamp?) -> EntryOutcome {
    .unsupported
  }

  package func setNativeExpiry(_ entries: [AccessEntry], until: Timestamp?) -> EntryOutcome {
    var worst = EntryOutcome.done
    for entry in entries {
      let outcome = setNativeExpiry(entry, until: until)
      if outcome != .done, outcome != .alreadyDone { worst = outcome }
    }
    return worst
  }

  package func residue(of entry: AccessEntry) -> [Residue] { [] }

  package func isStanding(_ entry: AccessEntry) -> Bool { true }
}

/// One entry to be taken back, and where what is taken out is kept.
package struct EntryRevocation: Sendable {
  package var gain: EntryGain
  package var quarantine: Quarantine

  package init(_ gain: EntryGain, quarantine: Quarantine) {
    self.gain = gain
    self.quarantine = quarantine
  }
}

/// Why a kind's state could not be read; what was known before still counts.
package enum EntryKindError: Error, Equatable, CustomStringConvertible {
  /// Somebody is writing it: worth another look in some seconds.
  case torn(String)
  /// `context: object: reason`.
  case unreadable(String)

  package var description: String {
    switch self {
    case .torn(let path): "read: \(path): it is being written"
    case .unreadable(let text): text
    }
  }
}

/// How an action on an entry ended; the state was read again before it was said.
package enum EntryOutcome: Equatable, Sendable {
  case done
  /// Nothing was left to do.
  case alreadyDone
  /// Another object stands in its place, which was left alone.
  case drifted(String)
  /// Worth another try.
  case failed(String)
  /// No further try can help.
  case impossible(String)
  /// The mechanism has no such thing.
  case unsupported
}

/// Access that outlives a revocation.
package struct Residue: Equatable, Sendable {
  /// For people: `process 4711 (bash) of bob still has group docker`.
  package var text: String
  /// Processes to end where a rule asks for it, each with its start time in ticks since boot.
  package var processes: [(pid: Int32, start: UInt64)]
  /// Login sessions to end, by logind's name.
  package var sessions: [String]

  package init(
    _ text: String, processes: [(pid: Int32, start: UInt64)] = [], sessions: [String] = []
  ) {
    self.text = text
    self.processes = processes
    self.sessions = sessions
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.text == right.text && left.sessions == right.sessions
      && left.processes.map(\.pid) == right.processes.map(\.pid)
      && left.processes.map(\.start) == right.processes.map(\.start)
  }
}
