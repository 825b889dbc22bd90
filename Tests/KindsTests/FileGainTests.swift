import Grants
import Kinds
import Testing

@Suite struct FileGainTests {
  private static func list(
    _ entries: [(AccessWho, UInt8)], group: UInt8 = 4, mask: UInt8 = 7
  ) -> AccessList {
    var list = AccessList(owner: 6, owningGroup: group, other: 0)
    list.mask = mask
    for (who, bits) in entries { list[who] = bits }
    return list
  }

  /// A file of root's with an access list, whose mask is in the mode.
  private static func file(
    _ mode: UInt16 = 0o640, uid: UInt32 = 0, gid: UInt32 = 0,
    with entries: [(AccessWho, UInt8)] = [],
    group: UInt8 = 4, mask: UInt8? = nil
  ) -> FileAccess {
    var access = FileAccess(mode: mode, uid: uid, gid: gid)
    if !entries.isEmpty || mask != nil {
      access.list = list(entries, group: group, mask: mask ?? 7)
      access.mode = mode & ~0o070 | UInt16(mask ?? 7) << 3
    }
    return access
  }

  private func gains(_ before: FileAccess?, _ after: FileAccess) -> [String] {
    FileGain.gains(from: before, to: after).map { "\($0.kind.rawValue) \($0.who) \($0.right)" }
  }

  @Test("A new owner is one, root is none; a group where its bits are more than everybody's")
  func owners() {
    let root = Self.file()
    #expect(gains(root, Self.file(uid: 1001)) == ["file-owner user(1001) read write"])
    #expect(gains(Self.file(uid: 1001), root) == [])
    #expect(gains(root, Self.file(gid: 50)) == ["file-owner group(50) read"])
    #expect(gains(Self.file(0o644), Self.file(0o644, gid: 50)) == [])
    #expect(gains(Self.file(gid: 50), root) == [])
    #expect(
      gains(root, Self.file(uid: 1001, gid: 50))
        == ["file-owner user(1001) read write", "file-owner group(50) read"])
    #expect(gains(Self.file(0), Self.file(0, uid: 7)) == ["file-owner user(7) write"])
    #expect(
      gains(Self.file(0o4755), Self.file(0o4755, uid: 7))
        == ["file-owner user(7) read write execute setuid"])
    #expect(gains(nil, Self.file(uid: 1001)) == [])
  }

  @Test("Entries count behind the mask, beside what everybody has; root's and the owner's do not")
  func entries() {
    let plain = Self.file()
    let bob = AccessWho.user(1001)
    #expect(
      gains(plain, Self.file(with: [(bob, 7)])) == ["file-acl user(1001) read write execute"])
    #expect(gains(plain, Self.file(with: [(bob, 7)], mask: 4)) == ["file-acl user(1001) read"])
    #expect(gains(plain, Self.file(with: [(.user(0), 7)])) == [])
    #expect(gains(Self.file(uid: 1001), Self.file(uid: 1001, with: [(bob, 7)])) == [])
    #expect(
      gains(Self.file(0o644), Self.file(0o644, with: [(bob, 6)])) == ["file-acl user(1001) write"])
    #expect(gains(plain, Self.file(with: [(.group(50), 4)])) == ["file-acl group(50) read"])
    #expect(gains(Self.file(with: [(bob, 7)]), Self.file(with: [(bob, 4)])) == [])
    #expect(gains(Self.file(with: [(bob, 7)]), plain) == [])
  }

  @Test(
    "A wider mask widens all behind it; what it gives the file's group is told here, not as mode")
  func masks() {
    let narrow = Self.file(with: [(.user(1001), 6)], group: 6, mask: 4)
    let wide = Self.file(with: [(.user(1001), 6)], group: 6, mask: 6)
    #expect(
      gains(narrow, wide) == ["file-acl user(1001) write", "file-acl owningGroup write"])
    #expect(narrow.effectiveMode == 0o640)
    #expect(wide.mode(since: narrow.effectiveMode) == 0o640)
    for gain in FileGain.gains(from: narrow, to: wide) {
      #expect(gain.takenBack(from: wide, keeping: []) == narrow)
    }
    // setfacl -b by removexattr: the mask stays as the group's bits.
    let bare = Self.file(0o660)
    #expect(gains(Self.file(with: [(.user(1001), 6)], group: 4, mask: 6), bare) == [])
    #expect(bare.mode(since: 0o640) == 0o660)
  }

  @Test("An entry that had shut somebody out, taken away, is set again")
  func shutOut() throws {
    let shut = Self.file(0o644, with: [(.user(1001), 0)], mask: 4)
    let open = Self.file(0o644)
    let gain = try #require(FileGain.gains(from: shut, to: open).first)
    #expect(gain.right == "read")
    let again = gain.takenBack(from: open, keeping: [])
    #expect(again.list?[.user(1001)] == 0 && again.mode == 0o644)
    #expect(gain.left(in: again) == nil)
  }

  @Test("Default lists of folders count beside what the folder itself gives, and go as they came")
  func defaults() throws {
    let plain = FileAccess(mode: 0o750, uid: 0, gid: 0, isDirectory: true)
    var given = plain
    given.defaults = AccessList(owner: 7, owningGroup: 5, other: 0)
    given.defaults?.mask = 7
    given.defaults?[.user(1001)] = 7
    #expect(gains(plain, given) == ["file-acl user(1001) read write execute"])
    for gain in FileGain.gains(from: plain, to: given) {
      #expect(gain.takenBack(from: given, keeping: []) == plain)
    }
    var everyone = plain
    everyone.defaults = AccessList(owner: 7, owningGroup: 5, other: 7)
    let gain = try #require(FileGain.gains(from: plain, to: everyone).first)
    #expect(gain.who == .everyone && gain.takenBack(from: everyone, keeping: []) == plain)
  }

  @Test("Capabilities count one by one, of a new file too")
  func capabilities() throws {
    var raw = Self.file(0o755)
    raw.capabilities = FileCapabilities(permitted: 1 << 13, effective: true)
    var both = raw
    both.capabilities?.permitted |= 1 << 12
    #expect(gains(nil, raw) == ["file-capability everyone cap_net_raw=ep"])
    #expect(gains(raw, both) == ["file-capability everyone cap_net_admin=ep"])
    #expect(gains(both, raw) == [])
    let first = try #require(FileGain.gains(from: Self.file(0o755), to: raw).first)
    let second = try #require(FileGain.gains(from: raw, to: both).first)
    #expect(first.takenBack(from: raw, keeping: []) == Self.file(0o755))
    #expect(second.takenBack(from: both, keeping: []) == raw)
    #expect(
      first.takenBack(from: both, keeping: [second]).capabilities?.text == "cap_net_admin=ep")
    var elsewhere = both
    elsewhere.capabilities?.rootUID = 1000
    #expect(gains(raw, elsewhere).count == 1)
  }

  @Test("Law 3 without an engine: whatever two gave, taken back in either order, nothing is left")
  func eitherOrder() {
    let plain = Self.file()
    let (bob, eve) = (AccessWho.user(1001), AccessWho.user(1002))
    var states: [[FileAccess]] = [
      [plain, Self.file(with: [(bob, 4)]), Self.file(with: [(bob, 7)])],
      [plain, Self.file(with: [(bob, 4)], mask: 4), Self.file(with: [(bob, 4), (eve, 7)])],
      [plain, Self.file(with: [(bob, 7)]), Self.file(with: [(bob, 7), (eve, 6)])],
      [
        plain, Self.file(with: [(bob, 7)]), Self.file(with: [(bob, 7), (.group(50), 7)], group: 7),
      ],
    ]
    var raw = plain
    raw.capabilities = FileCapabilities(permitted: 1 << 13, effective: true)
    var both = raw
    both.capabilities?.permitted |= 1 << 12
    states.append([plain, raw, both])
    for steps in states {
      let first = FileGain.gains(from: steps[0], to: steps[1])
      let second = FileGain.gains(from: steps[1], to: steps[2])
      for order in [first + second, second + first] {
        var now = steps[2]
        for gain in order { now = gain.takenBack(from: now, keeping: []) }
        #expect(now == plain, "\(order)")
        for gain in order { #expect(gain.left(in: now) == nil) }
      }
    }
  }

  @Test("What another gave behind the same mask is kept, and is taken with its own end")
  func kept() throws {
    let (bob, eve) = (AccessWho.user(1001), AccessWho.user(1002))
    let plain = Self.file()
    let one = Self.file(with: [(bob, 7)])
    let two = Self.file(with: [(bob, 7), (eve, 6)])
    let first = try #require(FileGain.gains(from: plain, to: one).first)
    let second = try #require(FileGain.gains(from: one, to: two).first)
    let left = first.takenBack(from: two, keeping: [second])
    #expect(left == Self.file(with: [(eve, 6)], mask: 6))
    #expect(second.takenBack(from: left, keeping: []) == plain)
    #expect(!first.isGiven(by: [second]) && first.isGiven(by: [first, second]))
  }

  @Test("Steps of one tool are one gain")
  func steps() throws {
    let bob = AccessWho.user(1001)
    let states = [Self.file(), Self.file(with: [(bob, 4)], mask: 4), Self.file(with: [(bob, 7)])]
    let first = try #require(FileGain.gains(from: states[0], to: states[1]).first)
    let second = try #require(FileGain.gains(from: states[1], to: states[2]).first)
    #expect(first.followed(by: second) == FileGain.gains(from: states[0], to: states[2]).first)
    let other = try #require(FileGain.gains(from: states[0], to: Self.file(uid: 5)).first)
    #expect(first.followed(by: other) == nil)
  }

  @Test("Another's narrowing stays, and makes the gain smaller")
  func narrowed() throws {
    let bob = AccessWho.user(1001)
    let gain = try #require(
      FileGain.gains(from: Self.file(), to: Self.file(with: [(bob, 7)])).first)
    let narrowed = Self.file(with: [(bob, 4)], mask: 4)
    let left = try #require(gain.left(in: narrowed))
    #expect(left.right == "read")
    #expect(left.takenBack(from: narrowed, keeping: []) == Self.file())
    #expect(gain.left(in: Self.file(with: [(.user(5), 7)])) == nil)
  }

  @Test("An entry that stays without what was added must not give less than none would")
  func remainder() throws {
    let bob = AccessWho.user(1001)
    let plain = Self.file(0o604, group: 4)
    var first = Self.file(0o644, with: [(bob, 6)])
    first.list?.other = 4
    let gain = try #require(FileGain.gains(from: Self.file(0o644), to: first).first)
    var second = first
    second.list?[bob] = 7
    let other = try #require(FileGain.gains(from: first, to: second).first)
    let left = gain.takenBack(from: second, keeping: [other])
    #expect(left.list?[bob] == 5)
    #expect(plain.unnamed == 0)
  }

  @Test("What is on record is read again; other text is no gain")
  func records() throws {
    var folder = FileAccess(mode: 0o750, uid: 0, gid: 0, isDirectory: true)
    let plain = folder
    folder.list = Self.list([(.user(1001), 7), (.group(50), 5)], group: 5)
    folder.mode = 0o770
    folder.defaults = folder.list
    var program = Self.file(0o755, uid: 5, gid: 50)
    program.capabilities = FileCapabilities(permitted: 3, inheritable: 4, rootUID: 9)
    let all =
      FileGain.gains(from: plain, to: folder)
      + FileGain.gains(from: Self.file(0o755), to: program)
    #expect(all.count == 4)
    for gain in all {
      #expect(FileGain(gain.kind, detail: gain.detail) == gain, "\(gain.detail)")
      for kind in [GrantKind.fileOwner, .fileACL, .fileCapability, .fileMode] {
        let text = Array(gain.detail.utf8)
        for at in text.indices {
          _ = FileGain(kind, detail: String(decoding: text[..<at], as: UTF8.self))
          var changed = text
          changed[at] = UInt8(ascii: "~")
          _ = FileGain(kind, detail: String(decoding: changed, as: UTF8.self))
        }
      }
    }
    for text in ["", "u", "u1>", ">", "u99999999999>1", "o", "oa", "oa7", "e >", "e zz>zz", "é"] {
      for kind in [GrantKind.fileOwner, .fileACL, .fileCapability] {
        #expect(FileGain(kind, detail: text) == nil, "\(text)")
      }
    }
  }
}
