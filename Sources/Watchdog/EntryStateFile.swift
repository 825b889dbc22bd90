import ByteText
package import Kinds
package import LinuxKit

/// The last known state of a kind on disk, for the difference after a stop: JSON with an entry a
/// line, so that a long one is read without a tree of it all.
package enum EntryStateFile {
  /// The longest file that is written or read, in bytes. Beyond it the last file stays: against an
  /// older state nothing that came since passes for known.
  package static let longest = 192 << 20

  private static let head = "{\"entries\":["
  private static let tail = "]}"

  /// Throws EFBIG, with the file as it was, where the state is too long.
  package static func save(
    _ state: EntryState, to path: String, longest: Int = longest
  ) throws(SystemError) {
    var bytes = Array(head.utf8)
    var isFirst = true
    for entry in state.sorted {
      bytes += Array((isFirst ? "\n" : ",\n").utf8)
      isFirst = false
      var writer = JSONWriter(reserving: 512)
      writer.beginArray()
      writer.value(entry.subject)
      writer.value(entry.object)
      writer.value(entry.right)
      writer.value(entry.value)
      writer.value(entry.detail)
      writer.endArray()
      bytes += writer.bytes
      guard bytes.count < longest else { throw SystemError(SystemError.tooLarge, "write", path) }
    }
    bytes += Array("\n\(tail)\n".utf8)
    try SmallFile.replace(path, with: bytes)
  }

  /// What came of reading a file.
  package enum Loaded: Equatable {
    case state(EntryState)
    case missing
    /// It is there, and tells nothing; why.
    case unusable(String)
  }

  /// What `save` wrote.
  package static func load(_ path: String, longest: Int = longest) -> Loaded {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try OwnedFile(path, limit: longest).bytes
    } catch {
      return error.isMissing ? .missing : .unusable("\(error)")
    }
    guard let state = state(bytes) else { return .unusable("read: \(path): damaged") }
    return .state(state)
  }

  /// One entry that is not as it was written, and nothing in the file can be believed.
  private static func state(_ bytes: [UInt8]) -> EntryState? {
    let lines = bytes.split(separator: 0x0a)
    guard let first = lines.first else { return nil }
    var state = EntryState()
    guard lines.count > 1 else {
      guard let json = try? JSON.parse(Array(first)), case .array = json["entries"] else {
        return nil
      }
      for element in json["entries"].elements {
        guard let entry = entry(element) else { return nil }
        state.insert(entry)
      }
      return state
    }
    guard first.elementsEqual(head.utf8), lines.last?.elementsEqual(tail.utf8) == true else {
      return nil
    }
    for line in lines.dropFirst().dropLast() {
      let text = line.last == UInt8(ascii: ",") ? line.dropLast() : line
      guard let json = try? JSON.parse(Array(text)), let entry = entry(json) else { return nil }
      state.insert(entry)
    }
    return state
  }

  private static func entry(_ json: JSON) -> AccessEntry? {
    let texts = json.elements.compactMap(\.text)
    guard texts.count == 5 else { return nil }
    return AccessEntry(
      subject: texts[0], object: texts[1], right: texts[2], value: texts[3], detail: texts[4])
  }
}
