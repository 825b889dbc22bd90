import ByteText
import Control
import Testing

@Suite struct AdviceTests {
  private let record = """
    {"id":"a-7xk2","agent":"forum-helper","model":null,"session":null,"audience":"bob",\
    "url":"https://forum.example/t/4711","time":"2026-11-22T10:00:00.000Z",\
    "until":"2026-11-29T10:00:00.000Z","submittedBy":1001,"parent":null,\
    "changes":[{"kind":"file-mode","subject":"everyone","object":"file:/srv/data",\
    "right":"read write execute","recursive":true,"command":"sudo chmod -R 777 /srv/data"}],\
    "matched":["g-4kq7m2"],"text":"run\\nthis \\u001b[2J"}
    """

  @Test("add sends the text and prints the record")
  func add() throws {
    let record = record
    let daemon = try FakeDaemon { $0.reply("advice", record) }
    let text = "Run `sudo chmod -R 777 /srv/data`\nthen \"retry\" — ok\0"
    let result = daemon.grantctl(
      "advice", "add", "--agent", "forum-helper", "--audience=bob", "--url",
      "https://forum.example/t/4711", "--model", "m", "--session", "s", "--parent", "a-1", "-o",
      "json", input: Array(text.utf8))
    #expect((result.status, result.output) == (0, record + "\n"))
    let seen = daemon.seen.last
    #expect(seen["text"] == .string(text))
    #expect(seen["agent"] == .string("forum-helper"))
    #expect(seen["audience"] == .string("bob"))
    #expect(seen["parent"] == .string("a-1"))
    #expect(
      daemon.grantctl("advice", "add", "--agent", "x", input: [0x61]).output == """
        a-7xk2: advice of forum-helper
          everyone read write execute file:/srv/data and below: sudo chmod -R 777 /srv/data

        """)
  }

  @Test("A text of 256 KiB is taken; more, none, or what is no UTF-8 is not")
  func input() throws {
    let record = record
    let daemon = try FakeDaemon { $0.reply("advice", record) }
    let most = [UInt8](repeating: 0x0a, count: 256 * 1024 - 1) + [0x61]
    for (input, words) in [
      ([UInt8](repeating: 0x61, count: 256 * 1024 + 1), "longer than 262144 bytes"),
      ([0x61, 0xff], "not UTF-8"), ([], "no text"), ([0x20, 0x0a], "no text"),
    ] {
      let result = daemon.grantctl("advice", "add", "--agent", "x", input: input)
      #expect(result.status == 1)
      #expect(result.words.contains(words))
    }
    #expect(daemon.seen.methods.isEmpty)
    #expect(daemon.grantctl("advice", "add", "--agent", "x", input: most).status == 0)
  }

  @Test("list and show")
  func listAndShow() throws {
    let record = record
    let daemon = try FakeDaemon { $0.reply("advices", "[\(record)]") }
    #expect(daemon.grantctl("advice", "list", "-o", "json").output == "[\(record)]\n")
    #expect(daemon.grantctl("advice", "list").output.contains("sudo chmod -R 777 /srv/data"))
    #expect(daemon.grantctl("advice", "show", "a-7", "-o", "json").output == record + "\n")
    let shown = daemon.grantctl("advice", "show", "a-7").output
    #expect(shown.contains("  | run\n  | this \\x1b[2J\n"))
    #expect(!shown.contains("not understood"))
  }

  @Test("What the grammar could not understand is said")
  func unclear() throws {
    let record = record.replacing(
      #""matched""#, with: #""unclear":["chmod $MODE /srv/x","./fix.sh"],"matched""#)
    let daemon = try FakeDaemon { $0.reply("advices", "[\(record)]") }
    let shown = daemon.grantctl("advice", "show", "a-7").output
    #expect(shown.contains("  not understood: chmod $MODE /srv/x\n  not understood: ./fix.sh\n"))
  }
}
