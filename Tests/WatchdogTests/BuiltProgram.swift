import Glibc

/// The package's programs, which are built beside the tests.
enum BuiltProgram {
  static func path(_ name: String) -> String {
    var space = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &space, space.count)
    let bytes = space.prefix(max(0, length)).map { UInt8(bitPattern: $0) }
    let path = String(decoding: bytes, as: UTF8.self)
    return path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/" + name
  }
}
