internal import ByteText
internal import CLinux
internal import Glibc

/// The kernel's own name of a file, valid whatever it is called and wherever it was moved.
///
/// As bytes: the handle's type in four bytes, little end first, then its bytes; see
/// name_to_handle_at(2).
package enum FileHandle {
  /// The handle of `name` in an open directory, or of the open file itself when `name` is empty.
  ///
  /// Fails with EOPNOTSUPP where the file system has no handles.
  package static func of(_ directory: Int32, _ name: [UInt8] = []) throws(SystemError) -> [UInt8] {
    var raw = clinux_file_handle()
    raw.handle_bytes = 128
    var mount: Int32 = 0
    let flags = name.isEmpty ? Int32(CLINUX_AT_EMPTY_PATH) : 0
    let result = withCPath(name) { path in
      withUnsafeMutablePointer(to: &raw) {
        clinux_name_to_handle_at(directory, path, $0, &mount, flags)
      }
    }
    guard result == 0 else { throw SystemError.last("read file handle", escaped(name)) }
    var bytes: [UInt8] = []
    let length = min(Int(raw.handle_bytes), 128)
    bytes.reserveCapacity(4 + length)
    withUnsafeBytes(of: raw.handle_type.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: raw.f_handle) { bytes.append(contentsOf: $0.prefix(length)) }
    return bytes
  }

  /// Opens the file of `handle` with O_PATH. `mount` is any open directory of its file system.
  ///
  /// Fails with ESTALE when the file is gone.
  package static func open(
    _ handle: some RandomAccessCollection<UInt8>, mount: Int32
  ) throws(SystemError) -> FileDescriptor {
    guard handle.count >= 4, handle.count <= 132 else {
      throw SystemError(EINVAL, "open by file handle")
    }
    var raw = clinux_file_handle()
    raw.handle_bytes = UInt32(handle.count - 4)
    var type: UInt32 = 0
    for (index, byte) in handle.prefix(4).enumerated() { type |= UInt32(byte) << (8 * index) }
    raw.handle_type = Int32(bitPattern: type)
    withUnsafeMutableBytes(of: &raw.f_handle) { $0.copyBytes(from: handle.dropFirst(4)) }
    let flags = Int32(CLINUX_O_PATH) | O_CLOEXEC | O_NOFOLLOW
    let opened = withUnsafeMutablePointer(to: &raw) {
      clinux_open_by_handle_at(mount, $0, flags)
    }
    guard opened >= 0 else { throw SystemError.last("open by file handle") }
    return FileDescriptor(owning: opened)
  }
}
