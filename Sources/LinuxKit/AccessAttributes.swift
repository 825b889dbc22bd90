internal import CLinux
internal import Glibc

/// The extended attributes that say who may do what with a file, as the kernel stores them; empty
/// for what a file does not have. See xattr(7).
package struct AccessAttributes: Hashable, Sendable {
  /// `system.posix_acl_access`: linux/posix_acl_xattr.h.
  package var accessList: [UInt8] = []
  /// `system.posix_acl_default`, on folders only.
  package var defaultList: [UInt8] = []
  /// `security.capability`: struct vfs_cap_data of linux/capability.h.
  package var capability: [UInt8] = []

  package init() {}

  /// One of the attributes.
  package enum Name: Sendable {
    case accessList, defaultList, capability

    fileprivate var text: StaticString {
      switch self {
      case .accessList: "system.posix_acl_access"
      case .defaultList: "system.posix_acl_default"
      case .capability: "security.capability"
      }
    }

    fileprivate func withName<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
      let start = UnsafeRawPointer(text.utf8Start)
      return body(start.assumingMemoryBound(to: CChar.self))
    }
  }

  /// The longest value that Linux takes (XATTR_SIZE_MAX).
  private static let longest = 65_536

  /// What `name` in an open directory has, a link not followed; what the open file itself has when
  /// `name` is empty. O_PATH is enough.
  package static func of(
    _ descriptor: Int32, _ name: [UInt8] = []
  ) throws(SystemError) -> AccessAttributes {
    var found = AccessAttributes()
    try withProcPath(descriptor, name) { path throws(SystemError) in
      let present = try names(path, follow: name.isEmpty)
      if present.accessList {
        found.accessList = try value(path, .accessList, follow: name.isEmpty)
      }
      if present.defaultList {
        found.defaultList = try value(path, .defaultList, follow: name.isEmpty)
      }
      if present.capability {
        found.capability = try value(path, .capability, follow: name.isEmpty)
      }
    }
    return found
  }

  /// Sets an attribute of the very file that is open, or removes it when `value` is empty.
  package static func set(
    _ name: Name, _ value: [UInt8], of descriptor: Int32
  ) throws(SystemError) {
    try withProcPath(descriptor, []) { path throws(SystemError) in
      let result = name.withName { text in
        value.isEmpty
          ? removexattr(path, text)
          : value.withUnsafeBytes { setxattr(path, text, $0.baseAddress, $0.count, 0) }
      }
      guard result == 0 || (value.isEmpty && errno == ENODATA) else {
        throw SystemError.last("change attribute")
      }
    }
  }

  private static func names(
    _ path: UnsafePointer<CChar>, follow: Bool
  ) throws(SystemError) -> (accessList: Bool, defaultList: Bool, capability: Bool) {
    func list(_ room: UnsafeMutableRawBufferPointer) -> Int {
      let start = room.baseAddress?.assumingMemoryBound(to: CChar.self)
      return follow ? listxattr(path, start, room.count) : llistxattr(path, start, room.count)
    }
    func search(_ bytes: UnsafeMutableRawBufferPointer) -> (Bool, Bool, Bool) {
      var found = (false, false, false)
      for name in bytes.split(separator: 0) {
        if name.elementsEqual("system.posix_acl_access".utf8) { found.0 = true }
        if name.elementsEqual("system.posix_acl_default".utf8) { found.1 = true }
        if name.elementsEqual("security.capability".utf8) { found.2 = true }
      }
      return found
    }
    let nothing = (false, false, false)
    for room in [1024, longest] {
      var failure: SystemError?
      let found = withUnsafeTemporaryAllocation(byteCount: room, alignment: 8) { buffer in
        let length = list(buffer)
        if length > 0 { return search(UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])) }
        if length < 0 { failure = SystemError.last("list attributes") }
        return nothing
      }
      guard let failure else { return found }
      switch failure.code {
      case ERANGE where room < longest: continue
      case ENOTSUP, ENOSYS: return nothing
      default: throw failure
      }
    }
    return nothing
  }

  private static func value(
    _ path: UnsafePointer<CChar>, _ name: Name, follow: Bool
  ) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    for room in [512, longest] {
      failure = nil
      let value = withUnsafeTemporaryAllocation(byteCount: room, alignment: 8) { buffer in
        let length = name.withName { text in
          follow
            ? getxattr(path, text, buffer.baseAddress, room)
            : lgetxattr(path, text, buffer.baseAddress, room)
        }
        if length < 0 { failure = SystemError.last("read attribute") }
        return [UInt8](buffer[..<max(0, length)])
      }
      guard let failure else { return value }
      // It was taken away since it was listed.
      if failure.code == ENODATA || failure.code == ENOTSUP { return [] }
      if failure.code != ERANGE { break }
    }
    throw failure ?? SystemError(ERANGE, "read attribute")
  }

  /// The file's path in /proc/self/fd: calls on extended attributes take no O_PATH descriptor.
  private static func withProcPath(
    _ descriptor: Int32, _ name: [UInt8],
    _ body: (UnsafePointer<CChar>) throws(SystemError) -> Void
  ) throws(SystemError) {
    var path = Array("/proc/self/fd/\(descriptor)".utf8)
    if !name.isEmpty {
      path.append(UInt8(ascii: "/"))
      path += name
    }
    guard !name.contains(0) else { throw SystemError(EINVAL, "read attributes") }
    path.append(0)
    var failure: SystemError?
    path.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      do throws(SystemError) {
        try body(start.assumingMemoryBound(to: CChar.self))
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}

/// Gives the very file that is open, O_PATH or not, another owner or group; nil leaves it. The
/// kernel takes setuid, setgid and capabilities off what is no folder; see chown(2).
package func changeOwner(
  of descriptor: Int32, uid: UInt32?, gid: UInt32?
) throws(SystemError) {
  let flags = Int32(CLINUX_AT_EMPTY_PATH)
  guard fchownat(descriptor, "", uid ?? .max, gid ?? .max, flags) == 0 else {
    throw SystemError.last("change owner")
  }
}
