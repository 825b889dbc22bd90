import Glibc
import Provenance
import Testing

extension AgentSignatures {
  /// The files of etc/grantwatch/agents.d, as bytes by name.
  static func shippedFiles() throws -> [(path: String, bytes: [UInt8])] {
    let parts = #filePath.split(separator: "/").dropLast(3)
    let folder = "/" + parts.joined(separator: "/") + "/etc/grantwatch/agents.d"
    var files: [(path: String, bytes: [UInt8])] = []
    let directory = try #require(opendir(folder))
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasSuffix(".conf"), let file = fopen("\(folder)/\(name)", "r") else { continue }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 65536)
      bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
      files.append(("\(vendorFolder)/\(name)", bytes))
    }
    return files.sorted { $0.path < $1.path }
  }

  static func shipped() throws -> AgentSignatures { read(try shippedFiles()).signatures }
}
