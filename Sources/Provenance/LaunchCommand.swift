import ByteText

/// What a command line asks somebody else to run.
struct LaunchCommand: Equatable {
  var launcher: LaunchRequest.Launcher
  var unit: [UInt8]?
  var isUserUnit = false
  var waits = false

  /// What a process of this image asks for; nil for all others.
  init?(_ image: ProcessImage) {
    self.init(image.name, image.command.split(separator: 0).map { Array($0) })
  }

  /// `program` is the program's name, `words` the command line with it.
  init?(_ program: String, _ words: [[UInt8]]) {
    func has(_ options: String...) -> Bool {
      words.dropFirst().contains { word in options.contains { word.elementsEqual($0.utf8) } }
    }
    func isAsking(_ launcher: LaunchRequest.Launcher, _ asks: Bool) -> LaunchRequest.Launcher? {
      asks ? launcher : nil
    }
    let asked: LaunchRequest.Launcher?
    switch program {
    case "systemd-run", "run0":
      asked = .unit
      unit = Self.unit(words)
      waits = words.contains { word in
        ["--on-", "--timer-property", "--path-property", "--socket-property"].contains {
          word.starts(with: $0.utf8)
        }
      }
    case "systemctl":
      asked = isAsking(
        .unit, has("start", "restart", "try-restart", "reload-or-restart", "enable", "link"))
      unit = words.last.map { Array(LaunchRequest.stem(Self.baseName($0))) }
      waits = has("enable", "link") && !has("--now")
    case "busctl": asked = isAsking(.unit, has("StartTransientUnit", "StartUnit"))
    case "at", "batch":
      asked = .at
      waits = true
    case "crontab":
      asked = isAsking(.cron, !has("-l"))
      waits = true
    case "tmux":
      asked = isAsking(
        .tmux,
        has(
          "send-keys", "send", "new-window", "neww", "split-window", "splitw", "run-shell", "run",
          "respawn-pane", "respawnp", "respawn-window", "paste-buffer", "pasteb"))
    case "screen": asked = isAsking(.screen, has("-X"))
    case "docker", "podman", "nerdctl", "crictl":
      asked = isAsking(.container, has("exec", "run", "start", "restart", "create", "up"))
    case "ssh": asked = isAsking(.ssh, words.dropFirst().contains(where: Self.isHere))
    default: asked = nil
    }
    guard let asked else { return nil }
    launcher = asked
    if asked == .unit { isUserUnit = has("--user") }
  }

  /// What a program may have asked for of which only the name was seen.
  init?(nameOnly name: String) {
    switch name {
    case "systemd-run", "run0": launcher = .unit
    case "at", "batch": launcher = .at
    case "crontab": launcher = .cron
    case "tmux": launcher = .tmux
    case "screen": launcher = .screen
    default: return nil
    }
    waits = launcher == .at || launcher == .cron
  }

  /// The requests in the text of `sh -c TEXT`, whether or not the shell comes to them.
  static func requests(inShell image: ProcessImage) -> [LaunchCommand] {
    let words = image.command.split(separator: 0).map { Array($0) }
    guard let shell = words.first.map({ String(decoding: baseName($0), as: UTF8.self) }),
      ["sh", "-sh", "bash", "-bash", "dash", "zsh", "-zsh", "ksh", "ash"].contains(shell),
      let option = words.dropFirst().firstIndex(where: {
        $0.first == UInt8(ascii: "-") && $0.dropFirst().first != UInt8(ascii: "-")
          && $0.contains(UInt8(ascii: "c"))
      }), option + 1 < words.count
    else { return [] }
    let ends = Array(";|&\n(){}`".utf8)
    var found: [LaunchCommand] = []
    for piece in words[option + 1].split(whereSeparator: { ends.contains($0) }) {
      var words = piece.split(whereSeparator: isBlank).map { word in
        word.filter { $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "\"") }
      }
      while let first = words.first, leadsIn(first) { words.removeFirst() }
      guard let program = words.first, found.count < 4,
        let command = LaunchCommand(String(decoding: baseName(program), as: UTF8.self), words)
      else { continue }
      found.append(command)
    }
    return found
  }

  /// Words that stand before a command's program.
  private static func leadsIn(_ word: [UInt8]) -> Bool {
    let known = [
      "sudo", "doas", "env", "exec", "nohup", "setsid", "nice", "command", "time", "if", "then",
      "do", "else", "!",
    ]
    return word.first == UInt8(ascii: "-") || word.contains(UInt8(ascii: "="))
      || known.contains { baseName(word).elementsEqual($0.utf8) }
  }

  private static func isHere(_ word: [UInt8]) -> Bool {
    let host = word.split(separator: UInt8(ascii: "@")).last ?? []
    return ["localhost", "127.0.0.1", "::1"].contains { host.elementsEqual($0.utf8) }
  }

  private static func baseName(_ path: [UInt8]) -> ArraySlice<UInt8> {
    path.split(separator: UInt8(ascii: "/")).last ?? path[...]
  }

  /// The value of `--unit=NAME`, `--unit NAME` or `-u NAME`, without its suffix.
  private static func unit(_ words: [[UInt8]]) -> [UInt8]? {
    for (index, word) in words.enumerated() {
      if word.starts(with: "--unit=".utf8) { return Array(LaunchRequest.stem(word.dropFirst(7))) }
      if word.elementsEqual("--unit".utf8) || word.elementsEqual("-u".utf8) {
        return index + 1 < words.count ? Array(LaunchRequest.stem(words[index + 1][...])) : nil
      }
    }
    return nil
  }
}
