import Testing
import Watchdog

@Suite struct ReportedObjectTests {
  @Test(
    "What a statement names is found among what a connector reports",
    arguments: [
      ("shop/table/public.t1", "shop/table/public.t1", true),
      ("shop/table/t1", "shop/table/public.t1", true),
      ("shop/table/t1", "shop/view/public.t1", true),
      ("shop/table/t1", "shop/table/public.at1", false),
      ("shop/table/t1", "other/table/public.t1", false),
      ("?/table/t1", "shop/table/public.t1", true),
      ("shop/table/t1", "shop/schema/t1", false),
      ("shop/all-tables-schema/s", "shop/table/s.t9", true),
      ("shop/all-tables-schema/s", "shop/table/x.t9", false),
      ("shop/all-tables-schema/s", "shop/function/s.f()", false),
      ("shop/function/f", "shop/function/s.f(integer, text)", true),
      ("shop/default-tables", "shop/default-tables/alice/s", true),
      ("shop/database/other", "other/database/other", true),
      ("role/a", "role/b", false), ("role/a", "role/a", true), ("", "", true),
      ("shop/table/", "shop/table/public.t1", false),
    ])
  func objects(told: String, object: String, isMeant: Bool) {
    #expect(ReportedObject.isMeant("postgresql:" + told, by: "postgresql:" + object) == isMeant)
  }
}
