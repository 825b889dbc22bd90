import ByteText

/// The words of /proc/PID/cmdline.
struct CommandWords {
  /// Every word, at most 4,096 of them.
  let all: [ArraySlice<UInt8>]
  /// The words that name the program: the first; of an interpreter also the script or module it
  /// runs. Other words are what the program works on: `chmod 755 /opt/x/bin/aider` is no aider.
  let program: [ArraySlice<UInt8>]
  /// The file that an interpreter runs.
  let script: ArraySlice<UInt8>?

  /// The words behind those.
  var arguments: [ArraySlice<UInt8>] {
    guard let last = program.last else { return [] }
    return all.filter { $0.startIndex > last.startIndex }
  }

  init(_ bytes: [UInt8], executable: [UInt8]?) {
    var all = bytes.split(separator: 0, maxSplits: 4096, omittingEmptySubsequences: false)
    if bytes.last == 0 { all.removeLast() }
    self.all = all
    (program, script) = Self.program(in: all, executable: executable)
  }

  private static func program(
    in all: [ArraySlice<UInt8>], executable: [UInt8]?
  ) -> ([ArraySlice<UInt8>], ArraySlice<UInt8>?) {
    var program = Array(all.prefix(1))
    var script: ArraySlice<UInt8>?
    guard let name = (executable.map { $0[...] } ?? all.first).flatMap(interpreter) else {
      return (program, nil)
    }
    var valueMayFollow = false
    var words = all.dropFirst()
    while let word = words.popFirst() {
      if word.first == UInt8(ascii: "-"), word.count > 1 {
        if word.elementsEqual("-m".utf8) {
          if let module = words.popFirst() { program.append(module) }
          break
        }
        if takesCode(word, of: name) {
          // `sh -c CODE NAME`: the name is what the shell calls itself.
          _ = words.popFirst()
          if let name = words.first, name.first != UInt8(ascii: "-") { program.append(name) }
          break
        }
        valueMayFollow = word.starts(with: "--".utf8) && !word.contains(UInt8(ascii: "="))
        continue
      }
      program.append(word)
      script = script ?? word
      guard valueMayFollow else { break }
      valueMayFollow = false
    }
    return (program, script)
  }

  private static let shells: Set<String> = [
    "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "python", "pypy",
  ]
  private static let others: Set<String> = [
    "node", "nodejs", "bun", "deno", "ruby", "perl", "php", "lua", "tsx",
  ]

  /// The interpreter's name without a version; nil for other programs.
  private static func interpreter(_ path: ArraySlice<UInt8>) -> String? {
    guard var name = path.split(separator: UInt8(ascii: "/")).last else { return nil }
    if name.first == UInt8(ascii: "-") { name = name.dropFirst() }
    while let last = name.last, isDigit(last) || last == UInt8(ascii: ".") { name.removeLast() }
    let text = String(decoding: name, as: UTF8.self)
    return shells.contains(text) || others.contains(text) ? text : nil
  }

  /// True when the next word is code: `-c` of shells and Python, `-e` of the others.
  private static func takesCode(_ option: ArraySlice<UInt8>, of interpreter: String) -> Bool {
    if option.starts(with: "--".utf8) {
      return option.elementsEqual("--eval".utf8) || option.elementsEqual("--print".utf8)
    }
    if shells.contains(interpreter) { return option.contains(UInt8(ascii: "c")) }
    return option.last == UInt8(ascii: "e") || option.last == UInt8(ascii: "E")
      || option.elementsEqual("-p".utf8)
  }
}
