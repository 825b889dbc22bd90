internal import ByteText
internal import Glibc
internal import Grants
internal import LinuxKit
package import Sources

/// Looking where a signal points.
extension FileModes {
  /// Looks where a signal points, reports what changed since the last look and remembers it.
  package func observe(_ signal: FileSignal, _ body: (FileObservation) -> Void) {
    acting = (signal.pid, signal.changes.contains(.created))
    defer { acting = nil }
    if let status = signal.outside {
      observe(linked: status, signal.path, body)
    } else if signal.path.starts(with: root) {
      observe(Array(signal.path.dropFirst(root.count)), signal.changes, body)
    }
    if count > 2 * filesAtRescan + 100_000 { wantsRescan = true }
  }

  private func observe(
    _ path: [UInt8], _ changes: FileChanges, _ body: (FileObservation) -> Void
  ) {
    guard let tree = trees.first(where: { lies(path, in: $0) }),
      let top = try? SafeOpen.directory(absolute(tree))
    else { return }
    var relative = path.dropFirst(tree.count)
    if relative.first == slash { relative.removeFirst() }
    guard !relative.isEmpty else {
      guard let status = try? FileStatus.of(top.raw) else { return }
      take(Place(top: top.raw, path: path, status: status), body)
      if changes.contains(.contents) { _ = try? walk(top, tree) { self.take($0, body) } }
      return
    }
    let cut = relative.lastIndex(of: slash)
    let above = cut.map { Array(relative[..<$0]) } ?? []
    let name = Array(cut.map { relative[($0 + 1)...] } ?? relative)
    guard let parent = try? SafeOpen.open(beneath: top.raw, above),
      let parentStatus = try? FileStatus.of(parent.raw), parentStatus.isDirectory
    else { return }
    let parentPath = Array(path.dropLast(name.count + 1))
    guard let status = try? FileStatus.at(parent.raw, name), status.type != .link else {
      forget(path, name, parentStatus, changes, body)
      return
    }
    let entry = Place(
      directory: parent.raw, name: name, parent: parentStatus, parentPath: parentPath,
      status: status)
    take(entry, replaces: !changes.contains(.deleted), body)
    if status.isDirectory, changes.contains(.contents),
      let below = try? SafeOpen.directory(parent.raw, name)
    {
      _ = try? walk(below, path) { self.take($0, body) }
    }
  }

  /// Nothing, or a link, stands where a file stood.
  private func forget(
    _ path: [UInt8], _ name: [UInt8], _ parent: FileStatus, _ changes: FileChanges,
    _ body: (FileObservation) -> Void
  ) {
    guard let place = baseline.place(parent.device) else { return }
    let folder = baseline.key(place, parent.inode)
    let entry = baseline.key(folder: folder, birth: parent.birth, name: name)
    guard let key = baseline.file(named: entry), let known = baseline.file(key) else { return }
    baseline.names.remove(entry)
    if paths[key] == path { paths[key] = nil }
    // A file that was moved is met again under its new name.
    if changes.contains(.deleted), !changes.contains(.movedOut), !known.hasMoreNames {
      baseline.files.remove(key)
    }
    body(
      FileObservation(
        path: path, identity: FileIdentity(device: 0, inode: 0, birth: 0),
        isDirectory: known.isDirectory, group: 0, before: known.mode, after: 0,
        gain: ModeGain(before: known.mode, after: 0, isDirectory: known.isDirectory),
        changed: Timestamp(microseconds: SystemClock.wall()), narrowed: true, gone: true))
  }

  /// The file changed under a name outside; it may have one inside.
  private func observe(
    linked status: FileStatus, _ outside: [UInt8], _ body: (FileObservation) -> Void
  ) {
    guard let place = baseline.place(status.device) else { return }
    let key = baseline.key(place, status.inode)
    guard let known = baseline.file(key), known.isSame(as: status) else { return }
    let attributes = attributes(of: status, at: outside)
    guard FileAccess(status, attributes ?? AccessAttributes()) != baseline.access(of: known) else {
      return
    }
    if let path = paths[key], let now = try? FileStatus.at(absolute(path)),
      now.inode == status.inode, now.device == status.device
    {
      return observe(path, [.attributes], body)
    }
    let now = SystemClock.up()
    guard lastSearch == .min || now - lastSearch > 60_000_000 else {
      wantsRescan = true
      return
    }
    lastSearch = now
    var found: [UInt8]?
    for tree in trees where found == nil {
      guard let top = try? SafeOpen.directory(absolute(tree)) else { continue }
      _ = try? TreeWalk.walk(top, path: tree) { entry in
        guard entry.status.inode == status.inode, entry.status.device == status.device else {
          return .into
        }
        found = entry.path
        return .stop
      }
    }
    if let found { observe(found, [.attributes], body) }
  }

  /// Of the very file that `status` tells of; nil when another stands there now.
  private func attributes(of status: FileStatus, at path: [UInt8]) -> AccessAttributes? {
    guard let top = try? SafeOpen.directory([slash]),
      let file = try? SafeOpen.open(beneath: top.raw, Array(path.drop { $0 == slash })),
      let now = try? FileStatus.of(file.raw), now.inode == status.inode,
      now.device == status.device
    else { return nil }
    return try? AccessAttributes.of(file.raw)
  }
}
