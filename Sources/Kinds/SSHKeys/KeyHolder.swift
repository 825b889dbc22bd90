internal import ByteText
internal import LinuxKit

/// An account that keys may let into.
struct KeyAccount: Sendable, Equatable {
  var name: [UInt8]
  var uid: UInt32
  var gid: UInt32
  var home: [UInt8]
  var shell: [UInt8]

  var shown: String { escaped(name) }

  /// False for nologin(8), false(1) and their like; no shell at all is sh(1).
  var hasLoginShell: Bool {
    let name = shell.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
    return name != Array("nologin".utf8) && name != Array("false".utf8)
  }

  private static let most = 65_536

  /// Of passwd(5) below `root`; of lines with one name the first counts.
  static func all(root: [UInt8]) throws(AccountFileError) -> [KeyAccount] {
    let file = try AccountFile(path: root + Array("/etc/passwd".utf8))
    var seen: Set<[UInt8]> = []
    return AccountLines.users(file.bytes).prefix(most).compactMap { line in
      guard seen.insert(line.name).inserted else { return nil }
      return KeyAccount(
        name: line.name, uid: line.uid, gid: line.gid, home: line.home, shell: line.shell)
    }
  }
}

/// Where a file of keys may lie, as seen from the root, and the folder below which it is written;
/// that folder's own path may lead through links.
struct KeyFilePlace: Sendable, Hashable {
  var path: [UInt8]
  var base: [UInt8]

  /// What a pattern of sshd_config(5), `AuthorizedKeysFile`, means for an account. Nil for a token
  /// that does not exist, or a path that is not absolute in the end.
  init?(_ pattern: [UInt8], _ account: KeyAccount) {
    var path: [UInt8] = []
    var isToken = false
    for byte in pattern {
      if isToken {
        switch byte {
        case UInt8(ascii: "%"): path.append(byte)
        case UInt8(ascii: "h"): path += account.home
        case UInt8(ascii: "u"): path += account.name
        case UInt8(ascii: "U"): path += Array(String(account.uid).utf8)
        default: return nil
        }
        isToken = false
      } else if byte == UInt8(ascii: "%") {
        isToken = true
      } else {
        path.append(byte)
      }
    }
    guard !isToken, !path.isEmpty else { return nil }
    let slash = UInt8(ascii: "/")
    if path[0] != slash { path = account.home + [slash] + path }
    guard path[0] == slash, !path.contains(0) else { return nil }
    self.path = path
    if path.starts(with: account.home + [slash]), account.home.count > 1 {
      base = account.home
      return
    }
    // What the administrator wrote without tokens is as trusted as the configuration itself.
    let plain = pattern.prefix { $0 != UInt8(ascii: "%") }
    let end = (plain.first == slash ? plain : path[...]).lastIndex(of: slash) ?? 0
    base = Array(path[..<end])
  }

  init(file: [UInt8]) {
    path = file
    base = Array(file[..<(file.lastIndex(of: UInt8(ascii: "/")) ?? 0)])
  }
}

/// Whose files of keys they are: an account's, or those of the authorities whose certificates let
/// into every account (`TrustedUserCAKeys`).
struct KeyHolder: Sendable {
  /// `account:bob`, `account:*`.
  var object: String
  /// Nil for the authorities.
  var account: KeyAccount?
  var places: [KeyFilePlace]

  static let everybody = "account:*"
  private static let mostPlaces = 16

  init(_ account: KeyAccount, _ answer: SSHDaemonAnswer) {
    object = "account:" + account.shown
    self.account = account
    var places: [KeyFilePlace] = []
    for pattern in answer.keyFiles.prefix(Self.mostPlaces) {
      guard let place = KeyFilePlace(pattern, account) else { continue }
      if !places.contains(where: { $0.path == place.path }) { places.append(place) }
    }
    self.places = places
  }

  init(authorities files: Set<[UInt8]>) {
    object = Self.everybody
    places = files.sorted { $0.lexicographicallyPrecedes($1) }.map(KeyFilePlace.init(file:))
  }

  /// The value of the entry for a key in a file of this holder; nil when it lets nobody in.
  func value(_ key: AuthorizedKey) -> String? {
    if account != nil { return key.value }
    return key.hasOptions ? nil : "login cert-authority"
  }
}
