internal import ByteText
internal import Glibc
package import Grants
package import LinuxKit
package import Sources

/// The kind `file-mode`: permission bits below watched trees, compared with what was last seen.
///
/// Confined to the engine's queue. What is on disk decides; a signal only says where to look.
package final class FileModes {
  /// The path of `--root`, without a slash at the end; empty for the host's own root.
  let root: [UInt8]
  /// As configured, from the root, without a slash at the end; none lies within another.
  let trees: [[UInt8]]
  var baseline = FileBaseline()
  /// A name below the trees of files with several names.
  private var paths: [UInt64: [UInt8]] = [:]
  private var lastSearch: Int64 = .min
  private var filesAtRescan = 0
  private var folder: (key: UInt64, device: UInt64, inode: UInt64)?

  /// A full look is due: something could not be told from signals, or much has gone meanwhile.
  package private(set) var wantsRescan = false
  /// Folders that the last full look could not read.
  package private(set) var unread: [(path: [UInt8], error: SystemError)] = []

  private static let pathsKept = 4096

  package init(root: [UInt8], trees: [[UInt8]]) {
    self.root = root
    var roots: [[UInt8]] = []
    for tree in trees.map(withoutSlash).sorted(by: { $0.count < $1.count })
    where !roots.contains(where: { lies(tree, in: $0) }) { roots.append(tree) }
    self.trees = roots
  }

  /// How many files are known.
  package var count: Int { baseline.files.count }

  // MARK: Full looks

  /// Takes trees that are not in the baseline yet into it, and reports those of their files that
  /// have setuid, setgid or write by everyone.
  package func takeBaseline(standing: (FileObservation) -> Void) {
    unread = []
    for tree in trees where !baseline.trees.contains(tree) {
      baseline.trees.append(tree)
      look(through: tree) { place in
        self.remember(place)
        let gain = ModeGain(before: nil, after: place.status.mode, isDirectory: place.isDirectory)
        if !gain.isEmpty { self.report(place, before: nil, standing) }
      }
    }
    filesAtRescan = count
  }

  /// Looks at everything: after gaps, and at the start with a loaded baseline. Reports each
  /// difference. Files that are gone are forgotten without a word, for their names are not kept.
  package func rescan(_ body: (FileObservation) -> Void) {
    unread = []
    wantsRescan = false
    // What was mounted and is not now would be forgotten, and pass for new when it comes back.
    var whole = findPlaces()
    paths = [:]
    baseline.round ^= 1
    for tree in trees { if !look(through: tree, { self.take($0, body) }) { whole = false } }
    if whole { baseline.forgetUnseen() }
    filesAtRescan = count
  }

  /// Saves the baseline, so that the next start can tell what changed meanwhile.
  package func save(to path: String) throws(FileBaselineError) {
    try baseline.save(to: Array(path.utf8))
  }

  /// Loads what `save` wrote; false when there is nothing. `takeBaseline` then takes in what is new
  /// in the configuration, and `rescan` reports what changed.
  package func load(from path: String) throws(FileBaselineError) -> Bool {
    guard let saved = try FileBaseline.load(from: Array(path.utf8)) else { return false }
    baseline = saved
    paths = [:]
    findPlaces()
    return true
  }

  /// Takes what `before` → `after` gave out of what is remembered of a file. A loaded baseline may
  /// be older than the end of that access; what is there all the same was given again.
  package func forgetGain(of identity: FileIdentity, before: UInt16?, after: UInt16) {
    guard let place = baseline.place(identity.device) else { return }
    let key = baseline.key(place, identity.inode)
    guard var known = baseline.file(key), known.wasBorn(at: identity.birth) else { return }
    let gain = ModeGain(before: before, after: after, isDirectory: known.isDirectory)
    known.packed &= ~UInt32(gain.bits)
    if gain.stickyTaken { known.packed |= 0o1000 }
    baseline.files.set(key, known.packed)
  }

  /// Numbers of devices change with reboots and mounts; the folders on them do not. False when one
  /// is mounted no more.
  @discardableResult
  private func findPlaces() -> Bool {
    folder = nil
    var all = true
    for index in baseline.places.indices {
      guard let status = try? FileStatus.at(root + baseline.places[index].path, follow: true),
        status.device != baseline.places[index].device
      else { continue }
      if baseline.place(status.device) == nil {
        baseline.places[index].device = status.device
      } else {
        all = false
      }
    }
    return all
  }

  @discardableResult
  private func look(through tree: [UInt8], _ body: (Place) -> Void) -> Bool {
    do {
      let top = try SafeOpen.directory(absolute(tree))
      body(Place(top: top.raw, path: tree.isEmpty ? [slash] : tree, status: try .of(top.raw)))
      return try walk(top, tree, body)
    } catch {
      unread.append((tree, error))
      return error.code == ENOENT
    }
  }

  private func walk(
    _ folder: consuming FileDescriptor, _ path: [UInt8], _ body: (Place) -> Void
  ) throws(SystemError) -> Bool {
    let walk = try TreeWalk.walk(folder, path: path) { entry in
      body(Place(entry))
      return .into
    }
    unread += walk.failures
    return walk.failed == 0
  }

  // MARK: Signals

  /// Looks where a signal points, reports what changed since the last look and remembers it.
  package func observe(_ signal: FileSignal, _ body: (FileObservation) -> Void) {
    if let status = signal.outside {
      observe(linked: status, body)
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
  private func observe(linked status: FileStatus, _ body: (FileObservation) -> Void) {
    guard let place = baseline.place(status.device) else { return }
    let key = baseline.key(place, status.inode)
    guard let known = baseline.file(key), known.isSame(as: status), known.mode != status.mode else {
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

  // MARK: Comparing

  /// Compares a file with what was last seen of it and of its name, then remembers it.
  private func take(
    _ place: Place, replaces: Bool = true, _ body: (FileObservation) -> Void
  ) {
    let (own, other) = remember(place)
    let after = place.status.mode
    var before = own?.mode
    if replaces, let other, other.isDirectory == place.isDirectory {
      // Editors and sed(1) write a file of their own, closed at first, and put it in place.
      before = isFresh(place) ? other.mode : before.map { $0 & other.mode } ?? other.mode
    }
    let replaced =
      replaces && !place.isDirectory && other?.isDirectory == false ? other?.mode : nil
    if before == after, replaced == nil { return }
    let gain = ModeGain(before: before, after: after, isDirectory: place.isDirectory)
    let lost = before.map { narrowing(from: $0, to: after, isDirectory: place.isDirectory) }
    if !gain.isEmpty || lost == true || replaced != nil {
      report(place, before: before, replaced: replaced, body)
    }
  }

  /// True when the file was made within the last minute.
  private func isFresh(_ place: Place) -> Bool {
    let age = SystemClock.wall() - place.status.birth / 1000
    return place.status.birth > 0 && age >= 0 && age < 60_000_000
  }

  /// Remembers a file; what was known of it, and of another that stood under its name.
  @discardableResult
  private func remember(_ place: Place) -> (own: KnownFile?, other: KnownFile?) {
    let key = self.key(of: place)
    let known = baseline.file(key).flatMap { $0.isSame(as: place.status) ? $0 : nil }
    // What is mounted over a folder does not replace it.
    guard let parent = place.parent,
      !place.isDirectory || parent.device == place.status.device
    else {
      baseline.remember(key, place.status, name: nil)
      return (known, nil)
    }
    let entry = baseline.key(
      folder: folderKey(parent, place.parentPath), birth: parent.birth, name: place.name)
    var other: KnownFile?
    if let previous = baseline.file(named: entry), previous != key {
      other = baseline.file(previous)
      if other?.hasMoreNames == false { baseline.files.remove(previous) }
    }
    baseline.remember(key, place.status, name: entry)
    if place.status.links > 1, !place.isDirectory, paths.count < Self.pathsKept {
      paths[key] = place.path
    }
    return (known, other)
  }

  private func key(of place: Place) -> UInt64 {
    let device = place.isDirectory ? place.status.device : place.parent?.device
    let number = baseline.place(
      device ?? place.status.device, place.isDirectory ? place.path : place.parentPath)
    return baseline.key(number, place.status.inode)
  }

  private func folderKey(_ status: FileStatus, _ path: [UInt8]) -> UInt64 {
    if let folder, folder.inode == status.inode, folder.device == status.device {
      return folder.key
    }
    let key = baseline.key(baseline.place(status.device, path), status.inode)
    folder = (key, status.device, status.inode)
    return key
  }

  /// Opens the file, so that handle, identity and mode belong together, and tells of it.
  private func report(
    _ place: Place, before: UInt16?, replaced: UInt16? = nil, _ body: (FileObservation) -> Void
  ) {
    guard let file = try? SafeOpen.open(beneath: place.directory, place.name),
      let status = try? FileStatus.of(file.raw), status.inode == place.status.inode,
      status.device == place.status.device
    else { return }
    let after = place.status.mode
    body(
      FileObservation(
        path: place.path,
        identity: FileIdentity(
          device: status.device, inode: status.inode, birth: status.birth,
          handle: (try? FileHandle.of(file.raw)) ?? []),
        isDirectory: place.isDirectory, group: status.gid, before: before, after: after,
        gain: ModeGain(before: before, after: after, isDirectory: place.isDirectory),
        changed: Timestamp(microseconds: status.changed),
        narrowed: before.map {
          narrowing(from: $0, to: after, isDirectory: place.isDirectory)
        } ?? false,
        gone: false, replaced: replaced, isFresh: isFresh(place)))
  }

  func absolute(_ path: [UInt8]) -> [UInt8] {
    let whole = root + path
    return whole.isEmpty ? [slash] : whole
  }
}

/// A file as it was met: below an open folder, or the top of a tree.
private struct Place {
  let directory: Int32
  let name: [UInt8]
  let parent: FileStatus?
  let parentPath: [UInt8]
  let status: FileStatus

  init(
    directory: Int32, name: [UInt8], parent: FileStatus, parentPath: [UInt8], status: FileStatus
  ) {
    self.directory = directory
    self.name = name
    self.parent = parent
    self.parentPath = parentPath
    self.status = status
  }

  init(_ entry: TreeEntry) {
    self.init(
      directory: entry.directory, name: entry.name, parent: entry.parent,
      parentPath: entry.parentPath, status: entry.status)
  }

  init(top: Int32, path: [UInt8], status: FileStatus) {
    directory = top
    name = []
    parent = nil
    parentPath = path
    self.status = status
  }

  var isDirectory: Bool { status.isDirectory }

  var path: [UInt8] {
    if name.isEmpty { return parentPath }
    return parentPath.last == slash ? parentPath + name : parentPath + [slash] + name
  }
}

/// True when bits that count were taken away.
private func narrowing(from before: UInt16, to after: UInt16, isDirectory: Bool) -> Bool {
  let lost = before & ~after & (0o077 | (isDirectory ? 0 : 0o6000))
  return lost != 0 || (isDirectory && before & 0o1000 == 0 && after & 0o1000 != 0)
}

private let slash = UInt8(ascii: "/")

private func withoutSlash(_ path: [UInt8]) -> [UInt8] {
  var path = path
  while path.last == slash { path.removeLast() }
  return path
}

/// True for the tree's own path and every path below it; the tree has no slash at its end.
private func lies(_ path: [UInt8], in tree: [UInt8]) -> Bool {
  path.count == tree.count
    ? path == tree
    : path.count > tree.count && path[tree.count] == slash && path.starts(with: tree)
}
