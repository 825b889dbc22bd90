internal import ByteText
internal import LinuxKit

extension SSHKeys {
  private static let tries = 3

  package func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome {
    revoke([EntryRevocation(gain, quarantine: quarantine)])[0]
  }

  /// Those of one account in one go.
  package func revoke(_ tasks: [EntryRevocation]) -> [EntryOutcome] {
    var outcomes = [EntryOutcome](repeating: .alreadyDone, count: tasks.count)
    var byObject: [String: [Int]] = [:]
    for (index, task) in tasks.enumerated() {
      if Self.isUntold(task.gain.entry) {
        outcomes[index] = .impossible(
          "take back: \(task.gain.entry.object): \(task.gain.entry.value); look at them")
      } else if task.gain.isLonger {
        outcomes[index] = putEndBack(task.gain, task.quarantine)
      } else {
        byObject[task.gain.entry.object, default: []].append(index)
      }
    }
    for (object, indices) in byObject.sorted(by: { $0.key < $1.key }) {
      takeOut(object, indices, of: tasks, &outcomes)
    }
    return outcomes
  }

  /// An entry on its way out.
  private struct Task {
    var index: Int
    /// The line to stand in its place, where there was one before and it is not there.
    var former: [UInt8]?
    var formerKey: AccessEntry.Key?
    var quarantine: Quarantine
  }

  private func takeOut(
    _ object: String, _ indices: [Int], of all: [EntryRevocation], _ outcomes: inout [EntryOutcome]
  ) {
    var tasks: [AccessEntry.Key: Task] = [:]
    var twice: [(index: Int, first: Int)] = []
    defer { for same in twice { outcomes[same.index] = outcomes[same.first] } }
    func fail(_ text: String) {
      for task in tasks.values { outcomes[task.index] = .failed(text) }
    }
    do throws(SystemError) {
      guard let holder = try holder(of: object) else { return }
      let standing = try keys(of: holder)
      for index in indices where standing.contains(all[index].gain.entry.key) {
        let gain = all[index].gain
        if let known = tasks[gain.entry.key] {
          twice.append((index, known.index))
          continue
        }
        let line = gain.former.flatMap { KeyDetail($0.detail).line()?.line }
        if let former = gain.former, line == nil {
          outcomes[index] = .impossible(
            "put back: \(former.object): the former line was too long to be kept")
          continue
        }
        tasks[gain.entry.key] = Task(
          index: index, former: line, formerKey: gain.former?.key,
          quarantine: all[index].quarantine)
      }
    } catch {
      for index in indices { outcomes[index] = .failed("\(error)") }
      return
    }
    var reason = "it was changed again and again meanwhile"
    for _ in 0..<Self.tries where !tasks.isEmpty {
      do throws(SystemError) {
        guard let holder = try holder(of: object) else { return }
        for place in holder.places {
          let edit = KeyFileEdit(root: root, place: place)
          let standing = try keys(of: holder)
          let outcome = try edit.apply(
            { Self.without(tasks, of: $0, holder, standing: standing) },
            before: { bytes throws(SystemError) in
              try Self.keep(tasks, from: bytes, place, holder)
            })
          switch outcome {
          case .nothing, .done: break
          case .changedMeanwhile: reason = "\(escaped(place.path)): it was changed meanwhile"
          case .refused(let words): return fail("edit: \(escaped(place.path)): \(words)")
          }
        }
        let after = try keys(of: holder)
        for (key, task) in tasks where !after.contains(key) {
          outcomes[task.index] = .done
          tasks[key] = nil
        }
      } catch {
        return fail("\(error)")
      }
    }
    fail("take back: \(object): \(reason)")
  }

  /// What is taken out of a file goes to the quarantine of each grant that loses it.
  private static func keep(
    _ tasks: [AccessEntry.Key: Task], from bytes: [UInt8], _ place: KeyFilePlace,
    _ holder: KeyHolder
  ) throws(SystemError) {
    var taken: [String: (Quarantine, [UInt8])] = [:]
    for line in KeyLine.lines(bytes) {
      guard let task = key(of: line, holder).flatMap({ tasks[$0] }) else { continue }
      taken[task.quarantine.grant, default: (task.quarantine, [])].1 += bytes[line.range]
    }
    let name = holder.object.dropFirst("account:".count)
    for (_, (quarantine, lines)) in taken.sorted(by: { $0.key < $1.key }) {
      try quarantine.keep(lines, as: quarantinedName("\(name)-\(lastName(place.path))".utf8))
    }
  }

  /// The bytes without the lines of these entries, the first of each replaced by the former line
  /// where that does not stand; nil when there is none.
  private static func without(
    _ tasks: [AccessEntry.Key: Task], of bytes: [UInt8], _ holder: KeyHolder,
    standing: Set<AccessEntry.Key>
  ) -> [UInt8]? {
    var new: [UInt8] = []
    var found: Set<AccessEntry.Key> = []
    for line in KeyLine.lines(bytes) {
      guard let key = key(of: line, holder), let task = tasks[key] else {
        new += bytes[line.range]
        continue
      }
      guard found.insert(key).inserted, let former = task.former,
        task.formerKey.map(standing.contains) == false
      else { continue }
      new += former + [0x0a]
    }
    return found.isEmpty ? nil : new
  }

  private static func lastName(_ path: [UInt8]) -> String {
    escaped(path.split(separator: UInt8(ascii: "/")).last ?? [])
  }

  func matches(_ line: KeyLine, _ key: AccessEntry.Key, _ holder: KeyHolder) -> Bool {
    guard line.key?.subject == key.subject else { return false }
    return Self.key(of: line, holder) == key
  }

  /// The entry that a line is, whether or not its end has passed; nil when it lets nobody in.
  private static func key(of line: KeyLine, _ holder: KeyHolder) -> AccessEntry.Key? {
    guard let key = line.key, let value = holder.value(key) else { return nil }
    return AccessEntry.Key(subject: key.subject, object: holder.object, value: value)
  }

  /// What the holder's files have, whether or not its end has passed.
  private func keys(of holder: KeyHolder) throws(SystemError) -> Set<AccessEntry.Key> {
    var keys: Set<AccessEntry.Key> = []
    for place in holder.places {
      do throws(SystemError) {
        let file = try RootedFile(place.path, root: root, limit: Self.longestEdited)
        for line in KeyLine.lines(file.bytes) {
          if let key = Self.key(of: line, holder) { keys.insert(key) }
        }
      } catch {
        guard error.isNoFile else { throw error }
      }
    }
    return keys
  }

  func holds(_ holder: KeyHolder, _ key: AccessEntry.Key) throws(SystemError) -> Bool {
    try keys(of: holder).contains(key)
  }

  package func plan(_ gain: EntryGain) -> String {
    if Self.isUntold(gain.entry) { return "nothing: \(gain.entry.object): \(gain.entry.value)" }
    let path = KeyDetail(gain.entry.detail).lines.first.map { escaped($0.path) }
    let place = path ?? "the files of keys of \(gain.entry.object.dropFirst("account:".count))"
    let key = gain.entry.subject.dropFirst("key:".count)
    if gain.former == nil { return "take the line of \(key) out of \(place)" }
    return "put the former options of \(key) back in \(place)"
  }
}
