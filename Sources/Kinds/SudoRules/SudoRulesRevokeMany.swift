internal import ByteText
internal import LinuxKit

/// Many rules that are taken back in one go: one rewrite of each file.
extension SudoRules {
  package func revoke(_ tasks: [EntryRevocation]) -> [EntryOutcome] {
    var outcomes = [EntryOutcome?](repeating: nil, count: tasks.count)
    var byFile: [String: [Int]] = [:]
    for (index, task) in tasks.enumerated()
    where !task.gain.isLonger && !Self.isUntold(task.gain.entry) {
      byFile[task.gain.entry.object, default: []].append(index)
    }
    for (_, indices) in byFile.sorted(by: { $0.key < $1.key }) where indices.count > 1 {
      takeOut(indices[...], of: tasks, &outcomes)
    }
    return tasks.indices.map { index in
      outcomes[index] ?? revoke(tasks[index].gain, quarantine: tasks[index].quarantine)
    }
  }

  /// Takes out the rules of one file together, or else by halves: one that cannot be taken out keeps
  /// none beside it. What is left to be done alone has no outcome.
  private func takeOut(
    _ indices: ArraySlice<Int>, of tasks: [EntryRevocation], _ outcomes: inout [EntryOutcome?]
  ) {
    guard indices.count > 1, let first = indices.first else { return }
    var found: Set<AccessEntry.Key> = []
    let outcome = edit(
      tasks[first].gain.entry, keeping: Self.kept(indices.map { tasks[$0] })
    ) { edit throws(SudoersEdit.Failure) in
      var changes: [AccessEntry.Key: [String]] = [:]
      for index in indices {
        let gain = tasks[index].gain
        changes[gain.entry.key] = try Self.putBack(gain).filter { !edit.holds($0) }
      }
      found = try edit.replace(changes)
    }
    let file = Self.path(of: tasks[first].gain.entry) ?? []
    guard outcome == .done || outcome == .alreadyDone, let state = try? read(previous: nil),
      let look = try? look()
    else {
      let middle = indices.startIndex + indices.count / 2
      takeOut(indices[..<middle], of: tasks, &outcomes)
      takeOut(indices[middle...], of: tasks, &outcomes)
      return
    }
    let isTold = look.untold(file) == nil
    for index in indices {
      let key = tasks[index].gain.entry.key
      guard !state.contains(key), isTold || found.contains(key) else { continue }
      noteTakenOut(key)
      outcomes[index] = found.contains(key) && outcome == .done ? .done : .alreadyDone
    }
  }

  /// Of each grant the rules that it loses: the whole file for each would fill the disk.
  private static func kept(_ tasks: [EntryRevocation]) -> [Kept] {
    var byGrant: [String: Kept] = [:]
    for task in tasks {
      let line =
        SudoRuleDetail.line(task.gain.entry, now: Timestamp(microseconds: 0))
        ?? task.gain.entry.value
      let start = Kept(quarantine: task.quarantine, bytes: [])
      byGrant[task.quarantine.grant, default: start].bytes? += (unescaped(line) ?? []) + [0x0a]
    }
    return byGrant.values.sorted { $0.quarantine.grant < $1.quarantine.grant }
  }
}
