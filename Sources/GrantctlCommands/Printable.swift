/// Text on its way to a terminal or a table: control characters and what turns the writing
/// direction become `\xNN` of their bytes. What is harmless, a backslash too, stays as it is.
func printable(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      for byte in String(scalar).utf8 {
        let digits = String(byte, radix: 16)
        result += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
      }
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// `text` cut to `width` characters, the last one `…` when something is missing.
func cut(_ text: String, to width: Int) -> String {
  guard text.unicodeScalars.count > width else { return text }
  guard width > 0 else { return "" }
  var result = String.UnicodeScalarView()
  result.append(contentsOf: text.unicodeScalars.prefix(width - 1))
  return String(result) + "…"
}

/// `text` filled with blanks to `width` characters.
func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.unicodeScalars.count))
}
