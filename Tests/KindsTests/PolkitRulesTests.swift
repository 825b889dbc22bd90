import ByteText
import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Testing

/// Files of polkit's below a scratch root.
@Suite struct PolkitRulesTests {
  private final class Stage {
    let scratch = Scratch()
    let kind: PolkitRules
    var state = EntryState()

    init() {
      kind = PolkitRules(root: scratch.bytes())
      Scratch.run(
        "/bin/mkdir",
        ["-p"]
          + [
            "etc/polkit-1/rules.d", "usr/share/polkit-1/actions", "usr/share/polkit-1/rules.d",
            "var/lib/polkit-1/localauthority/50-local.d",
          ].map { "\(scratch.path)/\($0)" })
      write("etc/polkit-1/rules.d/10-own.rules", "// ours\npolkit.addRule(function() {});\n")
      look()
    }

    func write(_ name: String, _ text: String) {
      scratch.remove(name)
      scratch.file(name, 0o644, text: text)
    }

    func content(_ name: String) -> String? {
      (try? RootedFile(Array("/\(name)".utf8), root: scratch.bytes())).map {
        String(decoding: $0.bytes, as: UTF8.self)
      }
    }

    @discardableResult func look() -> EntryDifference {
      guard let new = try? kind.read(previous: state) else { return EntryDifference() }
      defer { state = new }
      #expect(new.problems.isEmpty)
      return kind.difference(state, new)
    }

    func quarantine() -> Quarantine {
      Scratch.run("/bin/mkdir", ["-p", "\(scratch.path)/state"])
      return Quarantine(directory: "\(scratch.path)/state/quarantine", grant: "g-1")
    }

    func revoke(_ gain: EntryGain) -> EntryOutcome {
      kind.revoke(gain, quarantine: quarantine())
    }
  }

  private let evil = "polkit.addRule(function() { return polkit.Result.YES; });\n"

  @Test func newFileIsMovedToQuarantineAndPutBack() throws {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/99-evil.rules"
    stage.write(name, evil)
    let gain = try #require(stage.look().gained.first)
    #expect(gain.entry.subject == "everyone")
    #expect(gain.entry.object == "polkit:/etc/polkit-1/rules.d/99-evil.rules")
    #expect(gain.entry.right == "rules")
    #expect(gain.entry.value == "sha256:" + hexadecimal(SHA256.digest(Array(evil.utf8))))
    #expect(gain.former == nil)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content(name) == nil)
    #expect(stage.content("state/quarantine/g-1/99-evil.rules") == evil)
    #expect(stage.look().lost == [gain.entry])
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.content(name) == evil)
    #expect(stage.scratch.mode(name) == 0o644)
    #expect(stage.kind.restore(gain) == .alreadyDone)
  }

  @Test func changedFileGetsItsFormerContentBack() throws {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/10-own.rules"
    let former = try #require(stage.content(name))
    stage.write(name, former + evil)
    let gain = try #require(stage.look().gained.first)
    #expect(gain.former != nil)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content(name) == former)
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.content(name) == former + evil)
  }

  @Test func commentsAndBlankLinesGiveNothing() throws {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/10-own.rules"
    stage.write(name, "\n// theirs\n// and more\npolkit.addRule(function() {});\n\n")
    let difference = stage.look()
    #expect(difference.gained.isEmpty)
    #expect(difference.lost.isEmpty)
    #expect(difference.moved.count == 1)
    stage.write("etc/polkit-1/rules.d/11-empty.rules", "// nothing yet\n")
    #expect(stage.look().gained.isEmpty)
  }

  @Test(arguments: [
    "/*\n", "// a\u{2028}polkit.addRule();\n", "// a\rpolkit.addRule();\n", "`\n",
  ])
  func whatOnlyLooksLikeACommentIsAGain(_ line: String) {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/10-own.rules"
    stage.write(name, line + (stage.content(name) ?? ""))
    #expect(stage.look().gained.count == 1)
  }

  @Test func whatWasChangedAgainIsLeftAlone() throws {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/99-evil.rules"
    stage.write(name, evil)
    let gain = try #require(stage.look().gained.first)
    stage.write(name, evil + "// by hand\n")
    guard case .drifted = stage.revoke(gain) else {
      Issue.record("not drifted")
      return
    }
    #expect(stage.content(name) == evil + "// by hand\n")
  }

  @Test func fileThatBecameALinkIsNeverFollowed() throws {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/99-evil.rules"
    stage.write(name, evil)
    let gain = try #require(stage.look().gained.first)
    stage.write("precious", evil)
    stage.scratch.remove(name)
    stage.scratch.symlink("/precious", name)
    guard case .drifted = stage.revoke(gain) else {
      Issue.record("not drifted")
      return
    }
    #expect(stage.content("precious") == evil)
    let second = try #require(stage.look().gained.first)
    #expect(second.entry.value.hasPrefix("link /precious sha256:"))
    #expect(stage.revoke(EntryGain(second.entry)) == .done)
    #expect(stage.content("precious") == evil)
    #expect(stage.scratch.mode(name) == nil)
    #expect(stage.kind.restore(EntryGain(second.entry)) == .done)
    #expect(stage.content(name) == evil)
  }

  @Test func pipesAndFoldersAreNoFiles() throws {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/99-evil.rules"
    stage.write(name, evil)
    let gain = try #require(stage.look().gained.first)
    stage.scratch.remove(name)
    Scratch.call(stage.scratch.bytes(name)) { mkfifo($0, 0o600) }
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.look().lost == [gain.entry])
    stage.scratch.folder("etc/polkit-1/rules.d/98.rules")
    #expect(stage.look() == EntryDifference())
  }

  @Test func descriptionsOfActionsGiveWhereNoAdministratorIsAsked() throws {
    let stage = Stage()
    let name = "usr/share/polkit-1/actions/a.policy"
    func policy(_ active: String) -> String {
      "<policyconfig><action id=\"a.b\"><!-- <allow_any>yes</allow_any> --><defaults>"
        + "<allow_any>no</allow_any><allow_active>\(active)</allow_active></defaults></action>"
        + "</policyconfig>\n"
    }
    stage.write(name, policy("auth_admin_keep"))
    #expect(stage.look().gained.isEmpty)
    stage.write(name, policy("yes"))
    let gain = try #require(stage.look().gained.first)
    #expect(gain.former == nil)
    #expect(!stage.kind.isStanding(gain.entry))
    stage.write(name, "<!-- note -->" + policy("yes"))
    #expect(stage.look().moved.count == 1)
    stage.write(name, policy("&#121;es"))
    #expect(stage.look().gained.count == 1)
  }

  @Test func localAuthorityFilesCount() throws {
    let stage = Stage()
    stage.write(
      "var/lib/polkit-1/localauthority/50-local.d/x.pkla",
      "[x]\nIdentity=unix-user:bob\nAction=*\nResultAny=yes\n")
    stage.write("var/lib/polkit-1/localauthority/50-local.d/notes.txt", "x\n")
    let gained = stage.look().gained
    #expect(
      gained.map(\.entry.object) == [
        "polkit:/var/lib/polkit-1/localauthority/50-local.d/x.pkla"
      ])
    let watched = stage.kind.watchedPaths()
    #expect(watched.contains(stage.scratch.bytes("var/lib/polkit-1/localauthority/50-local.d")))
    #expect(watched.contains(stage.scratch.bytes("run/polkit-1/rules.d")))
  }

  @Test func longFileIsTakenOutButNotCarried() throws {
    let stage = Stage()
    let name = "etc/polkit-1/rules.d/99-long.rules"
    let text = evil + String(repeating: "//" + String(repeating: "x", count: 98) + "\n", count: 700)
    stage.write(name, text)
    let gain = try #require(stage.look().gained.first)
    #expect(gain.entry.detail.isEmpty)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content("state/quarantine/g-1/99-long.rules") == text)
    guard case .impossible = stage.kind.restore(gain) else {
      Issue.record("restored")
      return
    }
  }
}
