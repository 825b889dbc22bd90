internal import ByteText
internal import Glibc

/// Where `needle` stands in `text`, first to last, overlaps included.
func places(of needle: StaticString, in text: ArraySlice<UInt8>) -> [Int] {
  let length = needle.utf8CodeUnitCount
  guard length > 0, text.count >= length else { return [] }
  var places: [Int] = []
  text.withUnsafeBytes { bytes in
    guard let base = bytes.baseAddress else { return }
    let first = needle.utf8Start.pointee
    var at = 0
    let last = bytes.count - length
    while at <= last, let found = memchr(base + at, Int32(first), last - at + 1) {
      at = base.distance(to: UnsafeRawPointer(found))
      if memcmp(base + at, needle.utf8Start, length) == 0 { places.append(text.startIndex + at) }
      at += 1
    }
  }
  return places
}

/// The text after `prefix`; nil when it begins otherwise.
func rest(of text: ArraySlice<UInt8>, after prefix: StaticString) -> ArraySlice<UInt8>? {
  let length = prefix.utf8CodeUnitCount
  guard text.count >= length else { return nil }
  let isThere = text.withUnsafeBytes { bytes in
    bytes.baseAddress.map { memcmp($0, prefix.utf8Start, length) == 0 } ?? true
  }
  return isThere ? text.dropFirst(length) : nil
}

/// The text before `suffix`; nil when it ends otherwise.
func rest(of text: ArraySlice<UInt8>, before suffix: StaticString) -> ArraySlice<UInt8>? {
  let length = suffix.utf8CodeUnitCount
  guard text.count >= length else { return nil }
  let isThere = text.withUnsafeBytes { bytes in
    bytes.baseAddress.map { memcmp($0 + (bytes.count - length), suffix.utf8Start, length) == 0 }
      ?? true
  }
  return isThere ? text.dropLast(length) : nil
}

/// `text` cut at `separator`, all readings: names may hold the separator themselves.
func readings(
  _ text: ArraySlice<UInt8>, cutAt separator: StaticString
) -> [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)] {
  places(of: separator, in: text).map { at in
    (text[..<at], text[(at + separator.utf8CodeUnitCount)...])
  }
}

/// A name as the subject or object of a signal.
func named(_ class: String, _ name: ArraySlice<UInt8>) -> String { `class` + ":" + escaped(name) }
