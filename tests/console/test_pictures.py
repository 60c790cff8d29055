"""Pictures of event pages: uploaded, converted, chosen, shown, deleted."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from conferences.models import Conference, Member
from console.receivers import adopt_picture
from console.services.pictures import adopt_results
from conversion import store
from conversion.models import ConversionJob
from conversion.services.converting import convert
from conversion.signals import conversion_changed
from tests.conversion import documents
from visuspace.models import Picture, Revision
from visuspace.services import pictures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_files")]

URL = "/console/c/summit/page/en/"


def upload(client: Client, *files: tuple[str, bytes]) -> str:
    given = [SimpleUploadedFile(name, content) for name, content in files]
    answer = client.post(f"{URL}pictures/upload/", {"file": given}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def photo(width: int = 2400, height: int = 1200) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Secret camera"
    Image.new("RGB", (width, height), "orange").save(file, "JPEG", exif=exif)
    return file.getvalue()


def save(client: Client, action: str, *, seen: int, status: int = 302, **data: Any) -> str:
    answer = client.post(
        URL, {"seen": seen, "action": action, "block": ["hero:hero", "gallery:gallery"], **data}
    )
    assert answer.status_code == status
    return answer.content.decode()


def visit() -> str:
    cache.clear()
    return Client().get("/conf/summit").content.decode()


def test_an_uploaded_picture_is_shown_small_and_without_metadata(helper: Client) -> None:
    page = upload(helper, ("会场.jpg", photo()))
    assert "1 picture was taken in." in page
    assert 'hx-trigger="conversion from:body, every 5s"' in page
    job = ConversionJob.objects.get()
    assert convert(job.pk) == "done"

    picture = Picture.objects.get()
    assert (picture.width, picture.height, picture.conversion_id) == (1600, 800, "")
    assert not ConversionJob.objects.exists(), "the photo that says where it was taken is gone"
    rows = helper.get(f"{URL}pictures/").content.decode()
    assert "hx-trigger" not in rows
    answer = Client().get(f"/conf/summit/pictures/{picture.pk}.webp")
    assert (answer["Content-Type"], b"Secret" in answer.content) == ("image/webp", False)
    assert "max-age" in answer["Cache-Control"]

    chosen = {"gallery.pictures": [picture.pk], f"gallery.pictures-{picture.pk}-alt": "The foyer"}
    save(helper, "publish", seen=0, **chosen)
    assert (
        f'<img src="/conf/summit/pictures/{picture.pk}.webp" width="1600" height="800" alt="The foyer" '
        'loading="lazy"'
    ) in visit()


def test_a_picture_needs_words_for_those_who_cannot_see_it(helper: Client, conference: Conference) -> None:
    picture = Picture.objects.create(
        conference=conference, file_name="a.jpg", width=1, height=1, content=b"x"
    )
    page = save(helper, "save", seen=0, status=400, **{"gallery.pictures": [picture.pk]})
    assert "Say what is on it" in page
    assert f'value="{picture.pk}" checked' in page


def test_chosen_pictures_are_put_into_order(helper: Client, conference: Conference) -> None:
    first, second = (
        Picture.objects.create(conference=conference, file_name=name, width=1, height=1, content=b"x").pk
        for name in ("1.jpg", "2.jpg")
    )
    data: dict[str, Any] = {"gallery.pictures": [first, second]}
    for picture in (first, second):
        data[f"gallery.pictures-{picture}-alt"] = picture
    page = save(helper, f"earlier:gallery:pictures:{second}", seen=0, status=200, **data)
    assert page.index(f'value="{second}" checked') < page.index(f'value="{first}" checked')
    save(helper, "save", seen=0, **{**data, "gallery.pictures": [second, first, "f" * 32, "<b>"]})
    (_hero, gallery) = Revision.objects.get().blocks
    assert [shown["picture"] for shown in gallery["pictures"]] == [second, first]


def test_a_deleted_picture_leaves_the_published_page(
    helper: Client, conference: Conference, django_assert_num_queries: Any
) -> None:
    picture = Picture.objects.create(
        conference=conference, file_name="a.jpg", width=9, height=9, content=b"x"
    )
    chosen = {"gallery.pictures": [picture.pk], f"gallery.pictures-{picture.pk}-alt": "The foyer"}
    save(helper, "publish", seen=0, **chosen)
    before = Client().get("/conf/summit").content.decode()  # cached from now on
    assert "The foyer" in before
    with django_assert_num_queries(0):
        assert Client().get("/conf/summit").content.decode() == before
    assert helper.post(f"{URL}pictures/{picture.pk}/remove/").status_code == 302
    after = Client().get("/conf/summit").content.decode()
    assert "The foyer" not in after
    assert 'class="pictures"' not in after
    assert Client().get(f"/conf/summit/pictures/{picture.pk}.webp").status_code == 404
    assert helper.get(URL).status_code == 200


def test_a_bad_picture_says_why_and_goes(helper: Client) -> None:
    upload(helper, ("a.jpg", documents.random_bytes()))
    convert(ConversionJob.objects.get().pk)
    assert "The file is damaged" in helper.get(URL).content.decode()
    assert "Show a.jpg" not in save(helper, "add:text", seen=0, status=200)
    helper.post(f"{URL}pictures/{Picture.objects.get().pk}/remove/")
    assert not Picture.objects.exists()
    assert not ConversionJob.objects.exists()


def test_refused_uploads_are_named(helper: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CONVERT_MAX_INPUT_BYTES = 1000
    assert "large.jpg: The file is too large." in upload(helper, ("large.jpg", bytes(2000)))
    monkeypatch.setattr(pictures, "MAX_PICTURES", 1)
    page = upload(helper, ("a.jpg", b"x"), ("b.jpg", b"x"))
    assert "b.jpg: There can be at most 1 pictures." in page
    assert "Choose a picture first." in upload(helper)
    assert ConversionJob.objects.count() == Picture.objects.count() == 1


def test_a_result_whose_signal_was_lost_is_adopted(helper: Client) -> None:
    upload(helper, ("a.jpg", photo(64, 32)))
    conversion_changed.disconnect(adopt_picture)
    try:
        convert(ConversionJob.objects.get().pk)
    finally:
        conversion_changed.connect(adopt_picture)
    assert not Picture.objects.get().is_ready
    assert adopt_results() == 1
    assert Picture.objects.get().is_ready
    assert adopt_results() == 0


def test_a_result_that_the_store_lost_is_made_again(helper: Client) -> None:
    upload(helper, ("a.jpg", photo(64, 32)))
    job = ConversionJob.objects.get()
    conversion_changed.disconnect(adopt_picture)
    try:
        convert(job.pk)
    finally:
        conversion_changed.connect(adopt_picture)
    store.delete(ConversionJob.objects.get().output_path)
    assert adopt_results() == 0
    assert convert(job.pk) == "done"
    assert Picture.objects.get().is_ready


def test_pictures_of_another_conference_are_neither_shown_nor_deleted(
    helper: Client, charlie: User, bob: User
) -> None:
    from conferences.services import create_conference

    other = create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    theirs = Picture.objects.create(conference=other, file_name="a.jpg", width=9, height=9, content=b"x")
    assert helper.post(f"{URL}pictures/{theirs.pk}/remove/").status_code == 404
    Member.objects.create(conference=other, user=bob, role=Member.Role.HELPER)
    assert helper.post(f"{URL}pictures/{theirs.pk}/remove/").status_code == 404
    assert Client().get(f"/conf/summit/pictures/{theirs.pk}.webp").status_code == 404
    alt = {"gallery.pictures": [theirs.pk], f"gallery.pictures-{theirs.pk}-alt": "Stolen"}
    save(helper, "publish", seen=0, **alt)
    assert "Stolen" not in visit()
