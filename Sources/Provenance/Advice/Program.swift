/// A word in the place of a command that the shell reader goes its own way by.
enum Program: UInt8, CaseIterable, Sendable {
  // Change access by themselves.
  case chmod, chown, chgrp, setfacl, setcap, install, mkdir
  case usermod, useradd, adduser, addgroup, groupmod, groupadd, gpasswd, groupmems
  case passwd, chpasswd, newusers, chage, chsh, visudo, vipw, vigr, psql, createuser, mysql
  case mariadb, kubectl, oc, docker, podman, nerdctl
  case sshCopyID
  // Write text, or move files.
  case echo, printf, cat, tee, cp, mv, ln, sed, dd, rsync
  // Run what stands behind them, or what they are given to read.
  case sudo, su, runuser, doas, run0, pkexec, env, command, exec, time, nice, ionice, stdbuf
  case timeout, builtin, nohup, setsid, busybox, toybox, unbuffer, eatmydata, fakeroot, chroot
  case flock, watch, eval, find, xargs, ssh, at, batch, crontab
  case systemdRun
  case sh, bash, dash, zsh, ksh, mksh, ash, rbash
  // Change what commands behind them find.
  case cd, pushd, popd, export, declare, local, readonly, typeset, unset, read, `for`, select
  // Stand before commands.
  case `if`, then, `else`, elif, fi, `while`, until, `do`, done
  /// Any other program, where what matters is the file that it writes to.
  case other

  /// As people type it.
  var name: String {
    switch self {
    case .sshCopyID: "ssh-copy-id"
    case .systemdRun: "systemd-run"
    case .other: ""
    default: "\(self)"
    }
  }

  /// The program of this name; nil for a name that nothing is known of.
  static func named(_ name: ArraySlice<UInt8>) -> Program? {
    guard name.count <= WordTable.longest, let word = table.value(PackedWord(name)) else {
      return nil
    }
    return all[Int(word)]
  }

  private static let all = allCases
  private static let table = WordTable(
    all.enumerated().filter { $0.element != .other }.map {
      ($0.element.name, UInt8($0.offset))
    })

  /// What the grammar works out, or at least names, where it stands alone.
  var changesAccess: Bool {
    switch self {
    case .chmod, .chown, .chgrp, .setfacl, .setcap, .install, .mkdir, .usermod, .useradd, .adduser,
      .addgroup, .groupmod, .groupadd, .gpasswd, .groupmems, .passwd, .chpasswd, .newusers, .chage,
      .chsh, .visudo, .vipw, .vigr, .psql, .createuser, .mysql, .mariadb, .kubectl, .oc, .docker,
      .podman, .nerdctl, .sshCopyID:
      true
    default: false
    }
  }

  var isShell: Bool {
    switch self {
    case .sh, .bash, .dash, .zsh, .ksh, .mksh, .ash, .rbash: true
    default: false
    }
  }

  var isReserved: Bool {
    switch self {
    case .if, .then, .else, .elif, .fi, .while, .until, .do, .done: true
    default: false
    }
  }

  var writes: Bool {
    switch self {
    case .echo, .printf, .cat, .tee, .cp, .mv, .ln, .sed, .dd, .rsync: true
    default: false
    }
  }

  /// Its commands are found in plain sentences, where words of English stand around.
  var isInSentences: Bool {
    switch self {
    case .chmod, .chown, .chgrp, .setfacl, .setcap, .usermod, .useradd, .adduser, .addgroup,
      .groupmod, .groupadd, .gpasswd, .groupmems, .passwd, .chage, .chsh, .sshCopyID:
      true
    default: false
    }
  }

  /// It leads to one of those, also in a sentence.
  var leadsInSentences: Bool {
    switch self {
    case .sudo, .doas, .su, .pkexec, .run0, .nohup, .env, .find, .sh, .bash: true
    default: false
    }
  }

  /// It is read in a sentence to its end, where it is said to run it.
  var isWholeInSentences: Bool {
    switch self {
    case .echo, .printf, .kubectl, .psql, .sudo, .install, .cat: true
    default: false
    }
  }
}

/// Words without which a text holds no change of access.
enum AccessWords {
  /// Words of code.
  static let code: UInt8 = 1
  /// Words of plain sentences, where the shorter ones of code mean something else.
  static let prose: UInt8 = 2

  private static let table: WordTable = {
    var words: [(String, UInt8)] = Program.allCases.filter(\.changesAccess).map {
      ($0.name, $0.isInSentences ? code | prose : code)
    }
    words = words.filter { !["mkdir", "kubectl"].contains($0.0) }
    for word in ["kubectl", "psql", "sudoers", "authorized_keys", "authorized_keys2", "polkit-1"] {
      words.removeAll { $0.0 == word }
      words.append((word, code | prose))
    }
    for word in [
      "mkdir", "grant", "shadow", "gshadow", "group", "crontab", "cron", "sh", "bash", "zsh",
      "rolebinding", "clusterrolebinding",
    ] { words.append((word, code)) }
    return WordTable(words)
  }()

  /// Letters in lower case, digits, `-` and `_`; zero for what stands between words.
  private static let folded: [UInt8] = (UInt8.min...UInt8.max).map { byte -> UInt8 in
    switch byte {
    case 0x41...0x5a: byte | 0x20
    case 0x61...0x7a, 0x30...0x39, 0x2d, 0x5f: byte
    default: 0
    }
  }

  /// True when a word of the set `mask` occurs in `text`.
  static func occur(in text: ArraySlice<UInt8>, _ mask: UInt8) -> Bool {
    let table = Self.table
    return folded.withUnsafeBufferPointer { folded in
      text.withUnsafeBufferPointer { bytes in
        var word = PackedWord()
        for byte in bytes {
          let letter = folded[Int(byte)]
          if letter != 0 {
            // An option's dash is no letter.
            if word.count > 0 || letter != 0x2d { word.append(letter) }
          } else if word.count > 0 {
            if let found = table.value(word), found & mask != 0 { return true }
            word = PackedWord()
          }
        }
        return word.count > 0 && (table.value(word) ?? 0) & mask != 0
      }
    }
  }
}
