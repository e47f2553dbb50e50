"""A document as PDF: its words are text, Cyrillic too; whatever it is made of fits its pages; the same twice."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from agent.outputs.document import Area, Document, Drawing, Label, Lines, Listed, Note, Pairs, Section, Stroke, Table
from agent.outputs.document_html import as_html
from agent.outputs.document_pdf import as_pdf
from tests.outputs.papers import words_of

RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю; № 5 — 1\N{NO-BREAK SPACE}234,5 кВт·ч"
KYRGYZ = "Өкмөт, үч, аң"


def document(*blocks, title="Title & <more>"):
    return Document(title=title, language="ru", note="note", sections=[Section(name="Section", blocks=blocks)])


def test_every_block_is_written_as_words_in_both_forms():
    drawing = Drawing(
        title="drawing", width=100, height=50,
        shapes=(
            Area(kind="peak", boxes=((1, 1, 5, 5),)),
            Stroke(kind="cap", pieces=(((0, 0), (10, 10)),)),
            Label(x=5, y=5, text="предел", anchor="end"),
        ),
        legend=(("cap", "легенда"), ("peak", "a peak")),
    )  # fmt: skip
    made = document(
        Pairs(pairs=[("имя", RUSSIAN)]),
        Table(columns=[("столбец", False), ("n", True)], rows=[("<b>", "1"), ("sum", "2")], sums=1),
        Note(text=KYRGYZ, bad=True),
        Listed(title="list", items=["one", "two"]),
        Lines(lines=["a", "    b = c"]), drawing,
    )  # fmt: skip
    pdf = as_pdf(made)
    plain = RUSSIAN.replace("\N{NO-BREAK SPACE}", " ")
    told = (plain, KYRGYZ, "столбец", "<b>", "предел", "легенда", "Title & <more>", "b = c", "1 / 1")
    said = words_of(pdf)
    assert [text for text in told if text not in said] == []
    assert as_pdf(made) == pdf
    assert PdfReader(io.BytesIO(pdf)).metadata.title == "Title & <more>"
    html = as_html(made)
    assert [text for text in (RUSSIAN, KYRGYZ, "предел", "легенда", "    b = c") if text not in html] == []


def test_its_letters_are_in_the_file():
    fonts = PdfReader(io.BytesIO(as_pdf(document(Note(text=RUSSIAN))))).pages[0]["/Resources"]["/Font"]
    described = [font.get_object()["/FontDescriptor"] for font in fonts.values() if "/FontDescriptor" in font]
    assert described
    assert all("/FontFile2" in one for one in described)


def test_long_tables_go_on_beneath_their_heads_on_numbered_pages():
    rows = [(f"row {n}", "x" * 300, f"{n}") for n in range(200)]
    pages = PdfReader(
        io.BytesIO(as_pdf(document(Table(columns=[("the head", False), ("long", False), ("n", True)], rows=rows))))
    ).pages
    assert len(pages) > 5
    assert all("the head" in page.extract_text() for page in pages)
    assert f"2 / {len(pages)}" in pages[1].extract_text()
    assert "row 199" in pages[-1].extract_text()


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=300)] * 5), max_size=8
    )
)
def test_whatever_stands_in_a_table_it_fits(rows):
    as_pdf(document(Table(columns=[(f"c{n}", n % 2 == 0) for n in range(5)], rows=rows, sums=min(1, len(rows)))))


def test_a_cell_that_no_page_holds_goes_on_on_the_next():
    made = as_pdf(
        document(Pairs(pairs=[("limit", "word " * 4000)]), Table(columns=[("c", False)], rows=[("x" * 20000,)]))
    )
    assert words_of(made).count("word") == 4000
