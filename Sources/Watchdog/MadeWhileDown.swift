import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance

/// Files of cron, at and systemd that changed while no daemon looked. Nobody was seen to write them:
/// their owners and the times of their inodes are all that tells with which grants they were made.
extension Engine {
  /// Changed files that are compared with the grants at the most.
  private static let mostFiles = 256
  /// What packages bring is root's there, and dozens at a time.
  private static let vendors = ["/usr/lib/", "/run/"]

  private struct ChangedFile {
    var noun: String
    /// As seen from the tree.
    var path: [UInt8]
    var owner: UInt32
    var changed: Timestamp
  }

  /// Notes what changed since `start` with the grants that were active then and that the file's owner
  /// held or gave.
  func noteMadeWhileDown(since start: Timestamp) {
    // Whose writer is seen is told as such.
    readLaunchFiles()
    for file in changedLaunchFiles(from: start, to: now.wall) {
      let owner = hostAccounts.treeName(file.owner)
      let name = "\(file.noun) \(escaped(file.path))"
      for id in store.order {
        guard let grant = store[id], !grant.standing, wasActive(grant, at: file.changed),
          isOf(grant, owner: file.owner, named: owner)
        else { continue }
        noteMade(
          "\(name), ",
          "changed at \(file.changed.rfc3339), when the daemon was not running: nobody was seen to"
            + " write it, its owner is \(owner ?? String(file.owner))", with: grant)
      }
    }
  }

  /// What ended at this start may have gone at any moment since the last look.
  private func wasActive(_ grant: Grant, at time: Timestamp) -> Bool {
    guard grant.grantedAt <= time else { return false }
    return GrantStore.stands(grant) || grant.endedAt.map { $0 >= startedAt.wall } ?? false
  }

  /// As of files whose writer was seen: root holds nothing, and nobody gave what an advice led to.
  /// Root's are everybody's who is root: they are compared with what agents gave, which soon ends.
  private func isOf(_ grant: Grant, owner: UInt32, named name: String?) -> Bool {
    guard owner != 0 else { return grant.actor.uid == 0 && grant.provenance == .agentExecuted }
    if grant.actor.uid == owner, grant.provenance != .agentAdvised { return true }
    guard let name else { return false }
    let holder = GrantStore.holder(of: grant)
    return holder == "user:" + name || (holder.hasPrefix("group:") && isMember(name, of: holder))
  }

  private func changedLaunchFiles(from start: Timestamp, to end: Timestamp) -> [ChangedFile] {
    var found: [ChangedFile] = []
    for (real, folder) in launchFolders.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let isVendors = Self.vendors.contains { folder.path.starts(with: $0.utf8) }
      func look(_ names: [[UInt8]], below: [UInt8]) {
        for name in names where found.count < Self.mostFiles {
          let path = below + name
          let onHost = real + [UInt8(ascii: "/")] + path
          guard let status = try? FileStatus.at(onHost) else { continue }
          if status.isDirectory {
            if folder.isDeep, below.isEmpty {
              look(LocalFolder.names(onHost) ?? [], below: path + [UInt8(ascii: "/")])
            }
            continue
          }
          let changed = Timestamp(microseconds: status.changed)
          guard changed >= start, changed <= end, !isVendors || status.uid != 0,
            let file = LaunchFile(path, in: folder)
          else { continue }
          found.append(
            ChangedFile(
              noun: file.noun, path: folder.path + [UInt8(ascii: "/")] + path, owner: status.uid,
              changed: changed))
        }
      }
      look(LocalFolder.names(real) ?? [], below: [])
    }
    return found
  }
}
