internal import ByteText

/// Where `needle` stands in `text`, first to last, overlaps included.
func places(of needle: StaticString, in text: ArraySlice<UInt8>) -> [Int] {
  let needle = needle.withUTF8Buffer { Array($0) }
  guard !needle.isEmpty, text.count >= needle.count else { return [] }
  var places: [Int] = []
  for at in text.startIndex...(text.endIndex - needle.count)
  where text[at] == needle[0] && text[at...].starts(with: needle) {
    places.append(at)
  }
  return places
}

/// The text after `prefix`; nil when it begins otherwise.
func rest(of text: ArraySlice<UInt8>, after prefix: StaticString) -> ArraySlice<UInt8>? {
  prefix.withUTF8Buffer { text.starts(with: $0) ? text.dropFirst($0.count) : nil }
}

/// The text before `suffix`; nil when it ends otherwise.
func rest(of text: ArraySlice<UInt8>, before suffix: StaticString) -> ArraySlice<UInt8>? {
  suffix.withUTF8Buffer { suffix in
    text.count >= suffix.count && text.suffix(suffix.count).elementsEqual(suffix)
      ? text.dropLast(suffix.count) : nil
  }
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
func named(_ class: String, _ name: ArraySlice<UInt8>) -> String { "\(`class`):\(escaped(name))" }
