internal import ByteText
internal import LinuxKit

/// What matters of the configuration that `sshd -T` prints; without it sshd's own defaults.
struct SSHDaemonAnswer: Sendable, Equatable {
  /// Patterns of `AuthorizedKeysFile`.
  var keyFiles = [Array(".ssh/authorized_keys".utf8), Array(".ssh/authorized_keys2".utf8)]
  /// The file of `TrustedUserCAKeys`.
  var authorities: [UInt8]?
  var keysCommand: String?
  var takesKeys = true
  /// `PermitRootLogin`, in sshd's words.
  var rootLogin = "without-password"

  init() {}

  /// Nil for anything but the output of `sshd -T`.
  init?(_ output: [UInt8]) {
    var wasSaid = false
    for line in split(output[...], at: 0x0a) {
      let name = line.prefix { $0 != 0x20 }
      let value = Array(line.dropFirst(name.count + 1))
      let isNone = value == Array("none".utf8)
      switch String(decoding: name, as: UTF8.self) {
      case "authorizedkeysfile":
        keyFiles =
          isNone ? [] : split(value[...], at: 0x20).filter { !$0.isEmpty }.map { Array($0) }
        wasSaid = true
      case "trustedusercakeys":
        authorities = isNone || value.first != UInt8(ascii: "/") ? nil : value
      case "authorizedkeyscommand": keysCommand = isNone ? nil : escaped(value)
      case "pubkeyauthentication": takesKeys = value != Array("no".utf8)
      case "permitrootlogin": rootLogin = escaped(value)
      default: break
      }
    }
    guard wasSaid else { return nil }
  }
}

/// The answers of sshd for all accounts, valid as long as its files stay as they are.
struct SSHDaemonConfiguration: Sendable {
  var usual = SSHDaemonAnswer()
  /// Where the configuration has `Match` blocks.
  var byAccount: [[UInt8]: SSHDaemonAnswer] = [:]
  /// Why sshd could not be asked, where it is installed.
  var problem: String?
  fileprivate var stamps: [FileStamp?]?
  fileprivate var asked: [[UInt8]] = []

  func answer(for account: KeyAccount) -> SSHDaemonAnswer { byAccount[account.name] ?? usual }

  /// Files of keys whose certificates let into every account that they name.
  var authorities: Set<[UInt8]> {
    Set(([usual] + byAccount.values).compactMap(\.authorities))
  }

  private static let program = "/usr/sbin/sshd"
  /// Accounts that are asked for by name, at the most: each question takes some ten milliseconds.
  private static let mostAsked = 500

  /// Asks sshd, unless nothing changed since `known`. `accounts` are asked for each by its name
  /// where the configuration has `Match` blocks.
  static func ask(
    root: [UInt8], accounts: [KeyAccount], known: SSHDaemonConfiguration?
  ) -> SSHDaemonConfiguration {
    let files = SSHDaemonFiles(root: root)
    guard !files.isMissing, FileStamp(path: Array(program.utf8)) != nil else { return Self() }
    let names = files.hasMatch ? accounts.prefix(mostAsked).map(\.name) : []
    var stamps = files.stamps
    if files.hasMatch {
      stamps += ["/etc/passwd", "/etc/group"].map { FileStamp(path: root + Array($0.utf8)) }
    }
    if let known, !files.isOpaque, known.stamps == stamps, known.asked == names { return known }
    var new = Self()
    switch run(files, root: root, account: nil) {
    case .success(let answer): new.usual = answer
    case .failure(let said):
      var last = known ?? new
      last.problem = said.text
      last.stamps = nil
      return last
    }
    for name in names {
      // A comma would end the name for sshd.
      guard !name.contains(UInt8(ascii: ",")), !name.isEmpty else { continue }
      switch run(files, root: root, account: name) {
      case .success(let answer): if answer != new.usual { new.byAccount[name] = answer }
      case .failure(let said): new.problem = new.problem ?? said.text
      }
    }
    new.asked = names
    new.stamps = new.problem == nil ? stamps : nil
    return new
  }

  private struct Refusal: Error {
    var text: String
  }

  private static func run(
    _ files: SSHDaemonFiles, root: [UInt8], account: [UInt8]?
  ) -> Result<SSHDaemonAnswer, Refusal> {
    var arguments = [Array("-T".utf8)]
    if !root.isEmpty { arguments += [Array("-f".utf8), Array("/dev/stdin".utf8)] }
    if let account {
      arguments += [
        Array("-C".utf8),
        Array("user=".utf8) + account + Array(",host=localhost,addr=127.0.0.1".utf8),
      ]
    }
    let result = Spawn.runAndWait(
      program, arguments, input: root.isEmpty ? [] : files.text, timeout: 10_000_000)
    if result.succeeded, let answer = SSHDaemonAnswer(result.output) { return .success(answer) }
    let said = result.errors.isEmpty ? result.output : result.errors
    let line = said.prefix { $0 != 0x0a && $0 != 0x0d }.prefix(300)
    return .failure(
      Refusal(text: "ask sshd: \(program) -T: \(line.isEmpty ? "no answer" : escaped(line))"))
  }
}
