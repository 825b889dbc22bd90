internal import ByteText
package import Grants
internal import LinuxKit

/// The kind `polkit-rule`: files that tell polkit(8) who may do what, each one entry.
///
/// Rules are JavaScript, which nobody can judge: every new or changed file gives. A description of
/// actions (`.policy`) gives where it lets somebody act without an administrator.
package final class PolkitRules: EntryKind {
  /// Without a slash at its end; empty for the host's own.
  let root: [UInt8]

  package init(root: [UInt8]) {
    var root = root
    while root.last == UInt8(ascii: "/") { root.removeLast() }
    self.root = root
  }

  package var kind: GrantKind { .polkitRule }

  /// The folders in which polkitd and its tool for local authority files look.
  private static let ruleFolders = [
    "/etc/polkit-1/rules.d", "/run/polkit-1/rules.d", "/usr/local/share/polkit-1/rules.d",
    "/usr/share/polkit-1/rules.d",
  ]
  private static let actionFolders = [
    "/etc/polkit-1/actions", "/run/polkit-1/actions", "/usr/local/share/polkit-1/actions",
    "/usr/share/polkit-1/actions",
  ]
  private static let localAuthority = [
    "/etc/polkit-1/localauthority", "/var/lib/polkit-1/localauthority",
  ]
  private static let mostFiles = 4096

  private struct Folder {
    var path: [UInt8]
    var type: PolkitFile.FileKind
  }

  package func watchedPaths() -> [[UInt8]] {
    Self.localAuthority.map { root + Array($0.utf8) } + folders().map { root + $0.path }
  }

  private func folders() -> [Folder] {
    var folders = Self.ruleFolders.map { Folder(path: Array($0.utf8), type: .rules) }
    folders += Self.actionFolders.map { Folder(path: Array($0.utf8), type: .policy) }
    for top in Self.localAuthority.map({ Array($0.utf8) }) {
      let names = (try? RootedFile.names(in: top, root: root, most: Self.mostFiles)) ?? []
      folders += names.map { Folder(path: top + [UInt8(ascii: "/")] + $0, type: .localAuthority) }
    }
    return folders
  }

  package func read(previous: EntryState?) throws(EntryKindError) -> EntryState {
    var state = EntryState()
    for folder in folders() {
      let prefix = PolkitFile.object(folder.path + [UInt8(ascii: "/")])
      func keep(_ problem: SystemError, _ isMeant: (AccessEntry) -> Bool) {
        state.problems.append("\(problem)")
        for entry in previous?.entries.values ?? [:].values where isMeant(entry) {
          state.insert(entry)
        }
      }
      do throws(SystemError) {
        for name in try RootedFile.names(in: folder.path, root: root, most: Self.mostFiles) {
          guard name.suffix(folder.type.suffix.utf8.count).elementsEqual(folder.type.suffix.utf8)
          else { continue }
          let path = folder.path + [UInt8(ascii: "/")] + name
          do throws(SystemError) {
            if let entry = try PolkitFile.entry(path, root: root) { state.insert(entry) }
          } catch {
            keep(error) { $0.object == PolkitFile.object(path) }
          }
        }
      } catch {
        guard !error.isNoFile else { continue }
        keep(error) { $0.object.hasPrefix(prefix) }
      }
    }
    return state
  }

  /// A changed file is one that replaces the former of its name; where all that changed is comments,
  /// blank lines, or rights that were taken away from actions, nothing was gained.
  package func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    var lost = old.sorted.filter { !new.contains($0.key) }
    var difference = EntryDifference()
    for entry in new.sorted where !old.contains(entry.key) {
      guard let former = lost.first(where: { $0.object == entry.object }) else {
        difference.gained.append(EntryGain(entry))
        continue
      }
      if PolkitFile.gives(former, atLeast: entry) {
        lost.removeAll { $0.key == former.key }
        difference.moved.append(
          EntryMove(from: former.key, to: entry.key, detail: entry.detail))
      } else {
        difference.gained.append(EntryGain(entry, former: former))
      }
    }
    difference.lost = lost
    return difference
  }

  /// The packages' own descriptions of actions are no news to anybody.
  package func isStanding(_ entry: AccessEntry) -> Bool {
    !entry.object.hasSuffix(PolkitFile.FileKind.policy.suffix)
  }

  /// polkitd keeps what a rule let be kept (`AUTH_ADMIN_KEEP`) for some minutes, and lists it to the
  /// session alone that was given it.
  package func residue(of entry: AccessEntry) -> [Residue] {
    guard root.isEmpty, let file = PolkitFile.Kept(entry.detail),
      String(decoding: file.bytes, as: UTF8.self).lowercased().contains("_keep")
    else { return [] }
    let processes = ProcessFiles()
    let isRunning = processes.processes().contains { pid in
      processes.stat(pid)?.comm == Array("polkitd".utf8)
    }
    guard isRunning else { return [] }
    return [
      Residue(
        "polkitd may keep authorizations that \(entry.object.dropFirst("polkit:".count)) let be "
          + "kept, for 5 min at the most; `systemctl restart polkit` ends them")
    ]
  }
}
