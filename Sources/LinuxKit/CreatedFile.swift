internal import ByteText
internal import CLinux
internal import Glibc

/// A file that is made for somebody below a trusted folder, without following any link.
package enum CreatedFile {
  /// Who owns what is made, and who may use it.
  package struct Ownership: Sendable {
    package var uid: UInt32
    package var gid: UInt32
    /// Permission bits of the file.
    package var mode: UInt16

    package init(uid: UInt32, gid: UInt32, mode: UInt16) {
      self.uid = uid
      self.gid = gid
      self.mode = mode
    }
  }

  /// Makes `path` below `base` with this content, whole and durable or not at all; missing folders
  /// are made with mode 0700 and the same owner. EEXIST when something stands there already; ELOOP
  /// or ENOTDIR where a link stands on the way.
  ///
  /// `check` gets the path under which the new content lies, and says why it must not go live.
  @discardableResult
  package static func create(
    _ path: [UInt8], below base: [UInt8], with bytes: [UInt8], _ ownership: Ownership,
    check: (String) -> String? = { _ in nil }
  ) throws(SystemError) -> RewrittenFile.Outcome {
    let shown = escaped(path)
    let place = try NamePlace(path, below: base) {
      (folder, name) throws(SystemError) in try makeFolder(folder, name, ownership)
    }
    let (folder, name) = (place.folder.raw, place.name)
    let temporary = [UInt8(ascii: ".")] + name.prefix(200) + Array(".grantwatch~".utf8)
    _ = withCPath(temporary) { unlinkat(folder, $0, 0) }
    let raw = withCPath(temporary) {
      openat(folder, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    guard raw >= 0 else { throw .last("create", shown) }
    let file = FileDescriptor(owning: raw)
    do throws(SystemError) {
      try writeAll(bytes[...], to: file.raw, shown)
      guard fchown(file.raw, ownership.uid, ownership.gid) == 0 else {
        throw .last("set owner", shown)
      }
      guard fchmod(file.raw, mode_t(ownership.mode)) == 0 else { throw .last("set mode", shown) }
      guard retrying({ fsync(file.raw) }) == 0 else { throw .last("sync", shown) }
      let place = try pathOf(descriptor: file.raw)
      if let refusal = check(String(decoding: place, as: UTF8.self)) {
        _ = withCPath(temporary) { unlinkat(folder, $0, 0) }
        return .refused(refusal)
      }
      let noReplace: UInt32 = 1
      let moved = withCPath(temporary) { from in
        withCPath(name) { clinux_renameat2(folder, from, folder, $0, noReplace) }
      }
      guard moved == 0 else { throw .last("put in place", shown) }
    } catch {
      _ = withCPath(temporary) { unlinkat(folder, $0, 0) }
      throw error
    }
    guard retrying({ fsync(folder) }) == 0 else { throw .last("sync", shown) }
    return .done
  }

  /// Makes a folder and gives it away. Who owns the folder above could have put another in its
  /// place meanwhile: what is not empty, or not this process's own, is left alone.
  private static func makeFolder(
    _ folder: borrowing FileDescriptor, _ name: [UInt8], _ ownership: Ownership
  ) throws(SystemError) -> FileDescriptor {
    guard withCPath(name, { mkdirat(folder.raw, $0, 0o700) }) == 0 else {
      throw .last("create folder", escaped(name))
    }
    let made = try SafeOpen.directory(folder.raw, name)
    let status = try FileStatus.of(made.raw)
    let isEmpty = try RootedFile.names(made.raw, most: 16).isEmpty
    guard status.uid == geteuid(), status.mode == 0o700, isEmpty else {
      throw SystemError(EEXIST, "create folder", escaped(name))
    }
    guard fchown(made.raw, ownership.uid, ownership.gid) == 0 else {
      throw .last("set owner", escaped(name))
    }
    guard retrying({ fsync(folder.raw) }) == 0 else { throw .last("sync", escaped(name)) }
    return made
  }
}

/// A name in a folder that was opened from a trusted one down without following any link.
private struct NamePlace: ~Copyable {
  let folder: FileDescriptor
  let name: [UInt8]

  /// `missing` opens a folder that is not there.
  init(
    _ path: [UInt8], below base: [UInt8],
    missing: (borrowing FileDescriptor, [UInt8]) throws(SystemError) -> FileDescriptor = {
      (_, name) throws(SystemError) in throw SystemError(ENOENT, "open", escaped(name))
    }
  ) throws(SystemError) {
    let trusted = base.isEmpty ? [UInt8(ascii: "/")] : base
    let below = path.dropFirst(base.count)
    guard path.starts(with: base), below.first == UInt8(ascii: "/") || trusted.last == 0x2f else {
      throw SystemError(EINVAL, "open", escaped(path))
    }
    var names = below.split(separator: UInt8(ascii: "/")).map { Array($0) }
    names.removeAll { $0 == [0x2e] }
    guard let name = names.popLast(), !names.contains([0x2e, 0x2e]), name != [0x2e, 0x2e] else {
      throw SystemError(EINVAL, "open", escaped(path))
    }
    var folder = try SafeOpen.directory(trusted)
    for name in names {
      do throws(SystemError) {
        folder = try SafeOpen.directory(folder.raw, name)
      } catch {
        guard error.isMissing else { throw error }
        folder = try missing(folder, name)
      }
    }
    self.folder = folder
    self.name = name
  }
}

/// A symbolic link that is looked at and removed itself, never followed.
package enum SymbolicLink {
  /// Where the link at `path` below `base` leads, as written; nil when no link is there.
  package static func target(
    _ path: [UInt8], below base: [UInt8]
  ) throws(SystemError) -> [UInt8]? {
    let place = try NamePlace(path, below: base)
    return try read(place)
  }

  /// Removes the link if it still leads to `target`; false when it does not.
  package static func remove(
    _ path: [UInt8], below base: [UInt8], target: [UInt8]
  ) throws(SystemError) -> Bool {
    let place = try NamePlace(path, below: base)
    guard try read(place) == target else { return false }
    guard withCPath(place.name, { unlinkat(place.folder.raw, $0, 0) }) == 0 else {
      throw .last("remove", escaped(path))
    }
    guard retrying({ fsync(place.folder.raw) }) == 0 else { throw .last("sync", escaped(path)) }
    return true
  }

  /// Makes a link; EEXIST when something stands there already.
  package static func create(
    _ path: [UInt8], below base: [UInt8], target: [UInt8]
  ) throws(SystemError) {
    let place = try NamePlace(path, below: base)
    let made = withCPath(target) { to in
      withCPath(place.name) { symlinkat(to, place.folder.raw, $0) }
    }
    guard made == 0 else { throw .last("create", escaped(path)) }
    guard retrying({ fsync(place.folder.raw) }) == 0 else { throw .last("sync", escaped(path)) }
  }

  private static func read(_ place: borrowing NamePlace) throws(SystemError) -> [UInt8]? {
    var space = [CChar](repeating: 0, count: 4097)
    var count = -1
    _ = withCPath(place.name) {
      count = readlinkat(place.folder.raw, $0, &space, space.count)
      return 0
    }
    if count < 0, errno == EINVAL || errno == ENOENT { return nil }
    guard count >= 0 else { throw .last("read link", escaped(place.name)) }
    return space[..<min(count, space.count)].map { UInt8(bitPattern: $0) }
  }
}
