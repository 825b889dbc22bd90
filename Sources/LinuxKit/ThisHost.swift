/// This host, as it names itself.
package enum ThisHost {
  /// Its machine id, 32 hexadecimal digits (machine-id(5)); empty where it has none.
  package static var machineID: String {
    guard let bytes = try? SmallFile.read("/etc/machine-id") else { return "" }
    return String(decoding: bytes.prefix(32), as: UTF8.self)
  }
}
