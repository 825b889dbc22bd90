internal import ByteText
internal import Glibc

/// Where some words stand in a text, first to last, overlaps included. Most lines have them once:
/// what is asked of them then takes no memory of its own.
struct Places {
  private(set) var first: Int?
  private(set) var last: Int?
  private(set) var count = 0
  private let needle: StaticString
  private let text: ArraySlice<UInt8>

  init(of needle: StaticString, in text: ArraySlice<UInt8>) {
    self.needle = needle
    self.text = text
    var (first, last, count) = (Int?.none, Int?.none, 0)
    Self.find(needle, text) { place in
      if first == nil { first = place }
      last = place
      count += 1
    }
    (self.first, self.last, self.count) = (first, last, count)
  }

  var isEmpty: Bool { count == 0 }

  /// Every place.
  var all: [Int] {
    if count <= 1 { return first.map { [$0] } ?? [] }
    var places: [Int] = []
    places.reserveCapacity(count)
    Self.find(needle, text) { places.append($0) }
    return places
  }

  @inline(__always)
  private static func find(
    _ needle: StaticString, _ text: ArraySlice<UInt8>, _ body: (Int) -> Void
  ) {
    let length = needle.utf8CodeUnitCount
    guard length > 0, text.count >= length else { return }
    text.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      let first = needle.utf8Start.pointee
      var at = 0
      let last = bytes.count - length
      while at <= last, let found = memchr(base + at, Int32(first), last - at + 1) {
        at = base.distance(to: UnsafeRawPointer(found))
        if memcmp(base + at, needle.utf8Start, length) == 0 { body(text.startIndex + at) }
        at += 1
      }
    }
  }
}

func places(of needle: StaticString, in text: ArraySlice<UInt8>) -> Places {
  Places(of: needle, in: text)
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

/// A text cut at a separator, all readings: names may hold the separator themselves.
struct Readings {
  typealias Parts = (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)

  private let text: ArraySlice<UInt8>
  private let length: Int
  private let places: Places

  init(_ text: ArraySlice<UInt8>, cutAt separator: StaticString) {
    self.text = text
    length = separator.utf8CodeUnitCount
    places = Places(of: separator, in: text)
  }

  var count: Int { places.count }
  var first: Parts? { places.first.map(parts) }
  var last: Parts? { places.last.map(parts) }

  private func parts(at place: Int) -> Parts { (text[..<place], text[(place + length)...]) }
}

func readings(_ text: ArraySlice<UInt8>, cutAt separator: StaticString) -> Readings {
  Readings(text, cutAt: separator)
}

/// A name as the subject or object of a signal: `named("user:", …)`.
func named(_ prefix: StaticString, _ name: ArraySlice<UInt8>) -> String {
  escaped(name, after: prefix)
}
