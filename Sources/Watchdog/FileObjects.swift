/// Four octal digits, as chmod(1) takes them.
package func octal(_ mode: UInt16) -> String {
  let digits = String(mode & 0o7777, radix: 8)
  return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
}

/// The mode that `octal` wrote.
package func mode(_ text: String) -> UInt16? { UInt16(text, radix: 8) }

/// The deepest folder that holds both objects, both named `file:/…`.
package func commonRoot(_ left: String, _ right: String) -> String {
  if left == right { return left }
  let leftBytes = Array(left.utf8.dropFirst(5))
  let rightBytes = Array(right.utf8.dropFirst(5))
  var slash = 0
  var at = 0
  while at < leftBytes.count, at < rightBytes.count, leftBytes[at] == rightBytes[at] {
    if leftBytes[at] == UInt8(ascii: "/") { slash = at }
    at += 1
  }
  if at == leftBytes.count, rightBytes[at] == UInt8(ascii: "/") { return left }
  if at == rightBytes.count, leftBytes[at] == UInt8(ascii: "/") { return right }
  return "file:" + (slash == 0 ? "/" : String(decoding: leftBytes[..<slash], as: UTF8.self))
}
