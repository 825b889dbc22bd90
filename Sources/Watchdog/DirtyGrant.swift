import ByteText
import Grants

/// What changed in a grant within a turn.
struct DirtyGrant {
  var isNew: Bool
  var firstNewItem: Int
  var changedItems: Set<Int> = []
}

extension Engine {
  /// Writes what changed, in as many records as it takes.
  func write(_ grant: Grant, _ note: DirtyGrant) {
    let newItems = note.firstNewItem..<grant.items.count
    let changed = note.changedItems.filter { $0 < note.firstNewItem }.sorted()
    var itemStart = newItems.lowerBound
    var changedStart = 0
    var first = true
    repeat {
      let itemEnd = GrantRecord.pieceEnd(
        of: grant, newItems, from: itemStart, most: GrantRecord.mostItems)
      let changedEnd = GrantRecord.pieceEnd(
        of: grant, changed, from: changedStart, most: GrantRecord.mostItems - (itemEnd - itemStart))
      let type =
        !first
        ? "grant.items"
        : grant.standing ? "grant.standing" : note.isNew ? "grant.detected" : "grant.changed"
      record(
        type, grant: grant.id,
        text: first && note.isNew && !grant.standing ? detectionText(grant) : "",
        essential: true
      ) { writer in
        writer.key("grant")
        if first {
          grant.writeRecord(to: &writer, withItems: false)
        } else {
          writer.beginObject()
          writer.member("id", grant.id)
          writer.endObject()
        }
        GrantRecord.write(grant, newItems: itemStart..<itemEnd, to: &writer)
        GrantRecord.write(grant, changedItems: changed[changedStart..<changedEnd], to: &writer)
      }
      first = false
      itemStart = itemEnd
      changedStart = changedEnd
    } while itemStart < newItems.upperBound || changedStart < changed.count
  }
}

extension GrantRecord {
  /// Items that one line of the ledger takes, and the bytes of their names and identities: so it
  /// stays below its limit whatever the names are.
  static let mostItems = 400
  private static let mostBytes = 256 << 10

  /// The most bytes that an item takes in a record, about. A backslash is written as two.
  private static func recordBytes(_ item: GrantItem) -> Int {
    var bytes = item.object.utf8.count * 2 + (item.identity?.handle.count ?? 0) * 2 + 160
    guard let detail = item.detail else { return bytes }
    bytes += (detail.own.utf8.count + detail.former.utf8.count) * 2
    bytes += ((item.before?.utf8.count ?? 0) + (item.after?.utf8.count ?? 0)) * 2
    return bytes
  }

  /// Where a record ends that takes those of the grant's items whose places are `indices` from
  /// `start` on, `most` of them at the most; one always fits.
  static func pieceEnd<Indices: RandomAccessCollection<Int>>(
    of grant: Grant, _ indices: Indices, from start: Int, most: Int
  ) -> Int where Indices.Index == Int {
    var end = start
    var bytes = 0
    while end < indices.endIndex, end - start < most {
      bytes += recordBytes(grant.items[indices[end]])
      if end > start, bytes > mostBytes { break }
      end += 1
    }
    return end
  }
}
