import ByteText
import Glibc
import Grants

/// Files of the source tree as `Configuration.load` reads them.
enum ConfigurationSamples {
  static let tests = folder(of: #filePath)
  static let root = folder(of: folder(of: tests))
  static let samples = tests + "/Samples/Configuration"

  static func folder(of path: String) -> String {
    String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }

  static func read(_ path: String) -> Result<[UInt8], ConfigurationReadFailure> {
    guard let file = fopen(path, "r") else {
      return .failure(ConfigurationReadFailure(reason: String(cString: strerror(errno))))
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return .success(Array(bytes[..<count]))
  }

  static func text(_ path: String) throws -> String {
    String(decoding: try read(path).get(), as: UTF8.self)
  }

  /// Loads a tree of files that exists only here; names are relative to the folder.
  static func load(_ files: [String: String]) -> (Configuration?, [ConfigurationFinding]) {
    let result = Configuration.load(
      "/etc/grantwatch/grantwatch.conf",
      read: { path in
        files[String(path.dropFirst("/etc/grantwatch/".count))].map { .success(Array($0.utf8)) }
          ?? .failure(ConfigurationReadFailure(reason: "No such file or directory"))
      },
      list: { path in
        let prefix = String(path.dropFirst("/etc/grantwatch/".count)) + "/"
        return files.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
      })
    return (result.configuration, result.findings)
  }
}
