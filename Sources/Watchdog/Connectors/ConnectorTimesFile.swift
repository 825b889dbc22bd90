import ByteText
import LinuxKit

/// When each connector reported last, on disk.
enum ConnectorTimesFile {
  static func save(_ times: [String: Timestamp], to path: String) throws(SystemError) {
    var writer = JSONWriter()
    writer.beginObject()
    for (name, time) in times.sorted(by: { $0.key < $1.key }) {
      writer.member(name, time.microseconds)
    }
    writer.endObject()
    try SmallFile.replace(path, with: writer.bytes)
  }

  /// What `save` wrote; nothing when it cannot be read.
  static func load(_ path: String) -> [String: Timestamp] {
    guard let bytes = try? SmallFile.read(path), let json = try? JSON.parse(bytes) else {
      return [:]
    }
    var times: [String: Timestamp] = [:]
    for member in json.members {
      times[member.name] = member.value.integer.map { Timestamp(microseconds: $0) }
    }
    return times
  }
}
