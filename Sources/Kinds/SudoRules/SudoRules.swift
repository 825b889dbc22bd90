internal import ByteText
package import Grants
internal import LinuxKit
internal import Synchronization

/// The kind `sudo-rule`: the rules of sudoers(5) and of the files that it includes, and `Defaults`
/// that let people in without their password.
///
/// Files are found and cut into lines here, and what a line says is told by cvtsudoers(1), file by
/// file: of several files it tells nothing as soon as one is broken. Rules of LDAP are not read.
package final class SudoRules: EntryKind {
  /// Without a slash at its end; empty for the host's own.
  let root: [UInt8]
  /// Where processes are listed; see proc(5).
  let processes: String

  private struct Known {
    var asked: [[UInt8]] = [SudoersFiles.main]
    var parses: [[UInt8]: SudoersParsed] = [:]
    /// Entries that were taken out and have not come again since: nobody need wonder whether the
    /// broken line of a file still gives them.
    var takenOut: Set<AccessEntry.Key> = []
  }
  private let known = Mutex(Known())

  package init(root: [UInt8], processes: String = "/proc") {
    var root = root
    while root.last == UInt8(ascii: "/") { root.removeLast() }
    self.root = root
    self.processes = processes
  }

  package var kind: GrantKind { .sudoRule }

  package func watchedPaths() -> [[UInt8]] { known.withLock { $0.asked }.map { root + $0 } }

  package func read(previous: EntryState?) throws(EntryKindError) -> EntryState {
    let look = try look()
    var state = EntryState()
    let now = Timestamp(microseconds: SystemClock.wall())
    var kept: Set<String> = []
    var copies: [AccessEntry.Key: Int] = [:]
    var bytes = 0
    var beyond: [[UInt8]] = []
    for file in look.files.files {
      if let problem = look.problem(file.path) {
        state.problems.append(problem)
        kept.insert("sudoers:" + escaped(file.path))
      }
      for gift in look.gifts(file.path) where gift.gives && !gift.isOver(now) {
        let entry = gift.entry(in: file.path)
        copies[entry.key, default: 0] += 1
        // The same rule twice: the one that lasts longer counts.
        if let known = state[entry.key].flatMap(end), let end = end(of: entry), end < known {
          continue
        }
        bytes += entry.value.utf8.count + entry.detail.utf8.count
        if bytes > Self.mostBytes {
          if beyond.last != file.path { beyond.append(file.path) }
        } else {
          state.insert(entry)
        }
      }
    }
    for (key, count) in copies where count > 1 {
      if let entry = state[key] { state.insert(SudoRuleDetail.counted(entry, copies: count)) }
    }
    for path in beyond {
      state.problems.append(
        "read: \(escaped(path)): more than \(Self.mostBytes >> 20) MiB of rules: not all are known")
      kept.insert("sudoers:" + escaped(path))
    }
    for path in look.files.beyond + look.unmeasured + beyond { state.insert(Self.beyond(path)) }
    for (path, words) in look.files.unreadable {
      state.problems.append(words)
      kept.insert("sudoers:" + escaped(path))
    }
    let takenOut = takenOut(without: state, unlessIn: kept)
    for entry in previous?.sorted ?? []
    where !state.contains(entry.key) && !takenOut.contains(entry.key) {
      let isMains = kept.contains("sudoers:" + escaped(SudoersFiles.main)) || !look.files.hasMain
      // Whatever an unreadable folder or main file leads to is as unknown as the file itself.
      let isBelow = kept.contains { entry.object.hasPrefix($0 + "/") }
      let isUnknown = look.files.files.allSatisfy { "sudoers:" + escaped($0.path) != entry.object }
      if kept.contains(entry.object) || isBelow || (isMains && isUnknown) {
        state.insert(entry)
        state.presumed.insert(entry.key)
      }
    }
    if !look.files.hasMain, previous.map({ $0.count > 0 }) ?? false {
      state.problems.append("read: \(escaped(SudoersFiles.main)): there is no such file")
    }
    return state
  }

  /// What sudo takes and nobody here can tell may give anything: padding must not hide a rule.
  private static func beyond(_ path: [UInt8]) -> AccessEntry {
    AccessEntry(
      subject: "everyone", object: "sudoers:" + escaped(path), right: untold, value: untold)
  }

  /// Bytes of all entries: what is known must fit on the disk as well.
  private static let mostBytes = 64 << 20
  private static let untold = "rules beyond what is read"

  static func isUntold(_ entry: AccessEntry) -> Bool { entry.value == untold }

  package func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    var difference = SudoRuleDifference.between(old, new)
    difference.prolonged = prolonged(old, new, moved: difference.moved)
    return difference
  }

  package func end(of entry: AccessEntry) -> EntryEnd? {
    guard let rule = SudoRuleDetail.rule(entry) else { return nil }
    guard let end = rule.notAfter else { return .never }
    return SudoTime.moment(end).map { .at($0) }
  }

  package func plan(_ gain: EntryGain) -> String {
    if Self.isUntold(gain.entry) { return "nothing: \(gain.entry.object): \(gain.entry.value)" }
    let file = Self.path(of: gain.entry).map { escaped($0) } ?? gain.entry.object
    let change =
      gain.former.map { "put '\($0.value)' in the place of '\(gain.entry.value)' in" }
      ?? "take '\(gain.entry.value)' out of"
    return "\(change) \(file), checked by visudo -c"
  }

  func noteTakenOut(_ key: AccessEntry.Key) {
    known.withLock { _ = $0.takenOut.insert(key) }
  }

  /// What was taken out and is not in `state`. Of files that can be told whole the state says it all.
  private func takenOut(
    without state: EntryState, unlessIn kept: Set<String>
  ) -> Set<AccessEntry.Key> {
    known.withLock { known in
      known.takenOut = known.takenOut.filter { !state.contains($0) }
      if kept.isEmpty { known.takenOut = [] }
      return known.takenOut
    }
  }

  /// All files as they are now; the parses are kept for the next look.
  func look() throws(EntryKindError) -> SudoersState {
    let parses = known.withLock { $0.parses }
    let look = SudoersState(root: root, known: parses)
    guard look.files.files.isEmpty || Self.isInstalled else {
      throw .unreadable("read sudoers: \(CvtsudoersJSON.tool): not there; install the package sudo")
    }
    known.withLock {
      $0.asked = look.files.asked
      $0.parses = look.parsed
    }
    return look
  }

  /// The file that an entry stands in, as seen from the root.
  static func path(of entry: AccessEntry) -> [UInt8]? {
    let mark = "sudoers:"
    guard entry.object.hasPrefix(mark) else { return nil }
    return unescaped(String(entry.object.dropFirst(mark.count)))
  }

  private static var isInstalled: Bool {
    do throws(SystemError) {
      return try FileStatus.at(Array(CvtsudoersJSON.tool.utf8), follow: true).type == .regular
    } catch {
      return false
    }
  }
}
