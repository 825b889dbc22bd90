import ByteText
package import Kinds
package import LinuxKit

/// The last known state of a kind on disk, for the difference after a stop.
package enum EntryStateFile {
  package static func save(_ state: EntryState, to path: String) throws(SystemError) {
    var writer = JSONWriter(reserving: 4096)
    writer.beginObject()
    writer.key("entries")
    writer.beginArray()
    for entry in state.sorted {
      writer.beginArray()
      writer.value(entry.subject)
      writer.value(entry.object)
      writer.value(entry.right)
      writer.value(entry.value)
      writer.value(entry.detail)
      writer.endArray()
    }
    writer.endArray()
    writer.endObject()
    try SmallFile.replace(path, with: writer.bytes)
  }

  /// What `save` wrote; nil when there is nothing or it cannot be read.
  package static func load(_ path: String) -> EntryState? {
    guard let bytes = try? SmallFile.read(path), let json = try? JSON.parse(bytes),
      case .array = json["entries"]
    else { return nil }
    var state = EntryState()
    for element in json["entries"].elements {
      let texts = element.elements.compactMap(\.text)
      // One entry that is not as it was written, and nothing in the file can be believed.
      guard texts.count == 5 else { return nil }
      state.insert(
        AccessEntry(
          subject: texts[0], object: texts[1], right: texts[2], value: texts[3], detail: texts[4]))
    }
    return state
  }
}
