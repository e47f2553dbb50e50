"""What a PDF says: its words as a reader gets them, lines and non-breaking spaces made plain."""

import io

from pypdf import PdfReader


def words_of(pdf):
    pages = (page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(" ".join(pages).replace("\N{NO-BREAK SPACE}", " ").split())
