"""The wire of the Hugging Face Hub: with HF_ENDPOINT set to this server its official clients work with nothing changed.

One module a noun; each turns requests into calls of the zoo's verbs and rows into the JSON that clients parse. Changes need
a bearer token: a browser's session is good for reading only. The bytes of files leave through views/models.resolve.
"""
