import ByteText
import LinuxKit
import Scratch
import Testing

@Suite struct HookInstallTests {
  private let scratch = Scratch()
  private var file: String { "\(scratch.path)/deep/er/settings.json" }

  private func read() -> String? {
    (try? SmallFile.read(file)).map { String(decoding: $0, as: UTF8.self) }
  }

  private func install(_ agent: String, _ options: String...) -> Run {
    run(["hook", "install", agent, "--file", file] + options)
  }

  @Test("A new file is made, and removed again")
  func new() {
    let shown = install("claude-code", "--dry-run")
    #expect(shown.status == 0)
    #expect(shown.output.contains("+ "))
    #expect(read() == nil)
    #expect(install("claude-code").output == shown.output)
    #expect(read()?.contains("/usr/bin/grantctl hook claude-code") == true)
    #expect(install("claude-code").output.contains("nothing to add"))
    #expect(install("claude-code", "--remove").output.contains("- "))
    #expect(read() == nil)
    #expect(install("claude-code", "--remove").output.contains("nothing to remove"))
  }

  private static let others = """
    {"model": "m", "ratio": 0.1,
     "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]}]},
     "permissions": {"deny": ["Read(./.env)"]}}

    """

  @Test("Other settings stay, and come back to the byte")
  func merged() throws {
    scratch.folder("deep")
    scratch.folder("deep/er")
    scratch.file("deep/er/settings.json", 0o640, text: Self.others)
    #expect(install("claude-code").status == 0)
    let json = try JSON.parse(Array((read() ?? "").utf8))
    #expect(json["model"].text == "m")
    #expect(json["ratio"].double == 0.1)
    #expect(json["permissions"]["deny"].elements == [.string("Read(./.env)")])
    let before = json["hooks"]["PreToolUse"].elements
    #expect(before.count == 2)
    #expect(before.first?["hooks"].elements.first?["command"].text == "mine")
    #expect(scratch.mode("deep/er/settings.json") == 0o640)
    #expect(scratch.mode("deep/er/settings.json.before-grantwatch") == 0o640)
    #expect(install("claude-code", "--remove").status == 0)
    #expect(read() == Self.others)
    #expect(scratch.mode("deep/er/settings.json.before-grantwatch") == nil)
  }

  @Test("What somebody changed since stays when the hooks go")
  func changedSince() throws {
    scratch.folder("deep")
    scratch.folder("deep/er")
    scratch.file("deep/er/settings.json", 0o644, text: Self.others)
    #expect(install("gemini").status == 0)
    let changed = (read() ?? "").replacing(#""model": "m""#, with: #""model": "n""#)
    scratch.remove("deep/er/settings.json")
    scratch.file("deep/er/settings.json", 0o644, text: changed)
    #expect(install("gemini", "--remove").status == 0)
    let json = try JSON.parse(Array((read() ?? "").utf8))
    #expect(json["model"].text == "n")
    #expect(json["hooks"]["BeforeTool"].isNull)
    #expect(json["hooks"]["PreToolUse"].elements.count == 1)
  }

  @Test("What is not understood is left alone")
  func refused() {
    scratch.folder("deep")
    scratch.folder("deep/er")
    for text in ["// a comment\n{}", "[]", #"{"hooks": []}"#, #"{"hooks": {"Stop": 1}}"#] {
      scratch.remove("deep/er/settings.json")
      scratch.file("deep/er/settings.json", 0o644, text: text)
      #expect(install("codex").status == 1)
      #expect(read() == text)
    }
    #expect(install("openclaw").status == 1)
    #expect(install("nobody").status == 2)
  }
}
