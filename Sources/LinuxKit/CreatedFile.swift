internal import ByteText
internal import CLinux
internal import Glibc

/// A new text file among somebody else's, which appears whole, durable and checked, or not at all.
package enum CreatedFile {
  /// Creates `path` below `base`, as `RewrittenFile` opens it, with the owner of this process.
  ///
  /// `check` gets the path under which the new content lies, and says why it must not go live.
  /// EEXIST when something stands under the name already.
  package static func create(
    _ path: [UInt8], below base: [UInt8], _ bytes: [UInt8], mode: UInt32,
    check: (String) -> String? = { _ in nil }
  ) throws(SystemError) -> RewrittenFile.Outcome {
    guard path.starts(with: base), let slash = path.lastIndex(of: UInt8(ascii: "/")),
      slash >= base.count || base.last == UInt8(ascii: "/")
    else { throw SystemError(EINVAL, "open", escaped(path)) }
    let top = try SafeOpen.directory(base.isEmpty ? [UInt8(ascii: "/")] : base)
    let inside = slash > base.count ? path[base.count..<slash] : []
    let relative = Array(inside.drop { $0 == UInt8(ascii: "/") })
    let opened = try SafeOpen.open(beneath: top.raw, relative)
    let folder = try SafeOpen.directory(opened.raw, [UInt8(ascii: ".")])
    let name = Array(path[(slash + 1)...])
    let temporary = [UInt8(ascii: ".")] + name.prefix(200) + Array(".grantwatch~".utf8)
    _ = withCPath(temporary) { unlinkat(folder.raw, $0, 0) }
    let raw = withCPath(temporary) {
      openat(folder.raw, $0, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    guard raw >= 0 else { throw .last("create", escaped(path)) }
    let file = FileDescriptor(owning: raw)
    do throws(SystemError) {
      try writeAll(bytes, to: file.raw, escaped(path))
      guard fchmod(file.raw, mode) == 0 else { throw .last("set mode", escaped(path)) }
      guard retrying({ fsync(file.raw) }) == 0 else { throw .last("sync", escaped(path)) }
      let place = try pathOf(descriptor: file.raw)
      if let refusal = check(String(decoding: place, as: UTF8.self)) {
        _ = withCPath(temporary) { unlinkat(folder.raw, $0, 0) }
        return .refused(refusal)
      }
      let moved = withCPath(temporary) { from in
        withCPath(name) {
          clinux_renameat2(folder.raw, from, folder.raw, $0, UInt32(CLINUX_RENAME_NOREPLACE))
        }
      }
      guard moved == 0 else { throw .last("put in place", escaped(path)) }
    } catch {
      _ = withCPath(temporary) { unlinkat(folder.raw, $0, 0) }
      throw error
    }
    guard retrying({ fsync(folder.raw) }) == 0 else { throw .last("sync", escaped(path)) }
    return .done
  }
}
