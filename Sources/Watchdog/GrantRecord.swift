import ByteText
import Grants

/// The items of a grant as the ledger keeps them: new ones whole, changed ones by their number, with
/// what may change in them: state, value and, of files, the value before and what was given, else the
/// object's name, the detail, the value before and, where only the end is later, the entry.
enum GrantRecord {
  static func write(_ grant: Grant, newItems range: Range<Int>, to writer: inout JSONWriter) {
    guard !range.isEmpty else { return }
    writer.member("firstItem", range.lowerBound)
    writer.key("items")
    writer.beginArray()
    for index in range { grant.items[index].writeRecord(to: &writer) }
    writer.endArray()
  }

  static func write(
    _ grant: Grant, changedItems indices: ArraySlice<Int>, to writer: inout JSONWriter
  ) {
    guard !indices.isEmpty else { return }
    writer.key("changed")
    writer.beginArray()
    for index in indices {
      let item = grant.items[index]
      writer.beginArray()
      writer.value(Int64(index))
      writer.value(item.recordedState)
      writer.value(item.after)
      // Entries may go on under another name; files do not, but may take another's place.
      if item.identity != nil {
        writer.value(item.before)
        if let gain = item.gain { writer.value(gain) }
      } else {
        writer.value(item.object)
        if let detail = item.detail {
          writer.value(detail.own)
          writer.value(detail.former)
          writer.value(item.before)
          if let gain = item.gain { writer.value(gain) }
        }
      }
      writer.endArray()
    }
    writer.endArray()
  }

  /// Puts a record's grant and items upon what earlier records gave.
  static func apply(_ data: JSON, to store: GrantStore) {
    guard let id = data["grant"]["id"].text else { return }
    if var grant = Grant(record: data["grant"]) {
      grant.items = store[id]?.items ?? []
      addItems(data, to: &grant)
      store.insert(grant)
    } else if store[id] != nil {
      store.change(id) { addItems(data, to: &$0) }
    }
  }

  private static func addItems(_ data: JSON, to grant: inout Grant) {
    var position = Int(clamping: data["firstItem"].integer ?? Int64(grant.items.count))
    for element in data["items"].elements {
      guard let item = GrantItem(record: element) else { continue }
      if position < grant.items.count {
        grant.items[position] = item
      } else {
        grant.items.append(item)
      }
      position += 1
    }
    for element in data["changed"].elements {
      let parts = element.elements
      guard parts.count >= 3,
        let index = parts[0].integer.map(Int.init(clamping:)),
        grant.items.indices.contains(index),
        let (state, isTakenBack) = parts[1].text.flatMap(GrantItem.state)
      else { continue }
      grant.items[index].state = state
      grant.items[index].isTakenBack = isTakenBack
      grant.items[index].after = parts[2].text
      if grant.items[index].identity != nil {
        if parts.count > 3 { grant.items[index].before = parts[3].text }
        if parts.count > 4, let gain = parts[4].text { grant.items[index].gain = gain }
        continue
      }
      if parts.count > 3, let object = parts[3].text { grant.items[index].object = object }
      if parts.count >= 6, let own = parts[4].text, let former = parts[5].text {
        grant.items[index].detail = EntryDetail(own: own, former: former)
      }
      if parts.count > 6 { grant.items[index].before = parts[6].text }
      if parts.count > 7, let gain = parts[7].text { grant.items[index].gain = gain }
    }
  }
}
