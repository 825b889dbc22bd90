import ByteText
import Dispatch
import Grants
import Kinds
import LinuxKit

/// Putting back what was taken back on files.
extension Engine {
  /// Files in one turn at the most.
  private static let filesPerTurn = 512

  /// Gives each file of a restored grant again what the grant gives; those that are not given have
  /// ended, and the first of them is told with the reason.
  func putBackFiles(of id: String, from start: Int) {
    turn {
      guard let count = store[id]?.items.count else { return }
      let end = min(start + Self.filesPerTurn, count)
      var ended: [Int] = []
      for index in start..<end {
        guard let grant = store[id], let item = store.item(ItemReference(grant: id, index: index))
        else { continue }
        switch putBack(item, of: grant) {
        case .restored, .alreadyGone(.some): continue
        case .alreadyGone(nil): break
        case .drifted(let reason): notPutBack(id, "\(item.object): \(reason)")
        case .failed(let error): notPutBack(id, "\(error)")
        }
        ended.append(index)
      }
      update(id, items: ended) { grant in
        for index in ended { grant.items[index].state = .ended }
      }
      if end < count {
        afterCommit { [self] in queue.async { self.putBackFiles(of: id, from: end) } }
      } else {
        finishFiles(of: id)
      }
    }
  }

  private func putBack(_ item: GrantItem, of grant: Grant) -> FileModes.Restored {
    let unreadable = FileModes.Restored.drifted("its record cannot be read")
    guard let path = unescaped(String(item.object.dropFirst("file:".count))) else {
      return unreadable
    }
    var gain: FileGain?
    if grant.kind != .fileMode {
      gain = self.gain(item, of: grant.kind)
      if gain == nil { return unreadable }
    }
    var group: UInt32?
    if gain == nil || gain?.who == .owningGroup, grant.subject.hasPrefix("group:") {
      // The bits of the file's own group are for that group, and for no other that the file got.
      let name = String(grant.subject.dropFirst("group:".count))
      group = groupState?.groups[name] ?? UInt32(name)
      if group == nil { return .drifted("group \(name) is not there any more") }
    }
    if let gain {
      return fileModes.putBack(
        object: path, identity: item.identity, gain, keeping: gainsKept(for: item, of: grant),
        group: group)
    }
    guard let after = item.after.flatMap(mode) else { return unreadable }
    return fileModes.putBack(
      object: path, identity: item.identity, before: item.before.flatMap(mode), after: after,
      group: group)
  }

  /// Counts what is left alone, and keeps the first reason.
  private func notPutBack(_ id: String, _ reason: String) {
    notGiven[id, default: NotGiven(count: 0, first: reason)].count += 1
    noteDrift(id, "not put back: \(reason)")
  }

  private func finishFiles(of id: String) {
    guard let left = notGiven.removeValue(forKey: id) else { return putBack(id, .done) }
    if store.isOver(id) { return putBack(id, .failed(left.first)) }
    let count = store[id]?.items.count ?? left.count
    leftOut[id] = "\(left.count) of \(count) items are left as they are: \(left.first)"
    putBack(id, .done)
  }

  /// What a crash left between the record of a restoration and its deed is not there.
  func endFilesNotThere() {
    for id in store.order {
      guard let grant = store[id], grant.state == .approved, grant.kind.isFiles else { continue }
      for index in grant.items.indices {
        let reference = ItemReference(grant: id, index: index)
        guard let item = activeItem(reference), !isSheltered(item, of: grant),
          case .alreadyGone = restore(item, of: grant, dryRun: true)
        else { continue }
        endItem(reference, by: .removed)
      }
    }
  }
}

/// Files that a restoration left as they are.
struct NotGiven {
  var count: Int
  /// Of the first of them, the object and the reason.
  var first: String
}
