import ByteText

/// What bytes mean to a shell outside of quotes.
enum ByteClasses {
  /// It neither ends a command nor begins another one, nor quotes anything.
  static let tame: UInt8 = 1
  /// It stands for itself within a word.
  static let plain: UInt8 = 2

  /// By byte.
  static let all: [UInt8] = (UInt8.min...UInt8.max).map { byte -> UInt8 in
    if "\n;&|()<>\\'\"`$#".utf8.contains(byte) || byte == 0 { return 0 }
    if " \t\r*?[{~".utf8.contains(byte) { return tame }
    return tame | plain
  }
}

// Commands that nothing needs to be known of.
extension ShellReader {
  /// The end of a command that can be passed over: nothing is known of its program, and its words
  /// run nothing and write nowhere.
  func uninterestingEnd() -> Int? {
    text.withUnsafeBufferPointer { text in
      ByteClasses.all.withUnsafeBufferPointer { classes in
        guard let name = unknownProgram(text, classes) else { return nil }
        return wordsEnd(text, classes, from: name)
      }
    }
  }

  /// The end of the command's first word, if that names no program that is known.
  private func unknownProgram(
    _ text: UnsafeBufferPointer<UInt8>, _ classes: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    var close = at
    var name = at
    guard isAlphanumeric(text[close]) || "/._".utf8.contains(text[close]) else { return nil }
    while close < end, classes[Int(text[close])] & ByteClasses.plain != 0 {
      switch text[close] {
      case UInt8(ascii: "/"): name = close + 1
      case UInt8(ascii: "="), UInt8(ascii: "+"): return nil
      default: break
      }
      close += 1
    }
    guard close == end || text[close] == 0x20 || text[close] == 0x0a, close - name < 256,
      Program.named(self.text[name..<close]) == nil
    else { return nil }
    return close
  }

  /// Where the command ends whose words go on at `start`; nil where they have to be read.
  private func wordsEnd(
    _ text: UnsafeBufferPointer<UInt8>, _ classes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    var close = start
    while close < end {
      let byte = text[close]
      if classes[Int(byte)] != 0 {
        close += 1
        continue
      }
      var next: Int?
      switch byte {
      case 0x0a, UInt8(ascii: ";"): return close
      case UInt8(ascii: "&"), UInt8(ascii: "|"):
        // `&>` is a redirection.
        return close + 1 < end && text[close + 1] == UInt8(ascii: ">") ? nil : close
      case UInt8(ascii: "'"), UInt8(ascii: "\""): next = quotedEnd(text, close)
      case UInt8(ascii: "$"): next = variableEnd(text, close)
      case UInt8(ascii: ">"): next = discardEnd(text, close)
      default: break
      }
      guard let next else { return nil }
      close = next
    }
    return close
  }

  /// Behind the quotes that begin a word here and hold one line that runs nothing.
  private func quotedEnd(_ text: UnsafeBufferPointer<UInt8>, _ open: Int) -> Int? {
    let mark = text[open]
    guard text[open - 1] == 0x20 || text[open - 1] == UInt8(ascii: "=") else { return nil }
    let isSingle = mark == UInt8(ascii: "'")
    var close = open + 1
    while close < end, text[close] != mark {
      switch text[close] {
      case 0x0a: return nil
      case UInt8(ascii: "\\"), UInt8(ascii: "`"): if !isSingle { return nil }
      case UInt8(ascii: "$"):
        if !isSingle, close + 1 < end, text[close + 1] == UInt8(ascii: "(") { return nil }
      default: break
      }
      close += 1
    }
    return close < end ? close + 1 : nil
  }

  /// Behind `$NAME`.
  private func variableEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    var close = start + 1
    guard close < end, isNameByte(text[close]), !isDigit(text[close]) else { return nil }
    while close < end, isNameByte(text[close]) { close += 1 }
    return close
  }

  /// Behind `>/dev/null` or `>&1`.
  private func discardEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    let rest = text[(start + 1)..<end]
    let sink = Self.sinks.first { rest.starts(with: $0) }
    guard let sink else { return nil }
    let close = start + 1 + sink.count
    return close == end || " \n;&|".utf8.contains(text[close]) ? close : nil
  }

  private static let sinks = ["/dev/null", " /dev/null", "&1", "&2"].map { Array($0.utf8) }
}
